//! Plots: SVG drawn by `plotters`, to be set inline in a page.
//!
//! Four forms carry every page: [`lines`] (curves with their names at their ends), [`rows`]
//! (horizontal bars, or one dot a seed, with intervals), [`points`] (one figure against another, with the
//! front of the best), [`heat`] (a figure for each row and column, above or below nothing) and, beneath them, `frame` (titles and axes), [`canvas`] (logical pixels,
//! colours by role, tooltips) and [`axis`] (scales, ticks with units). [`palette`] gives a name the same
//! colour and mark in every plot of a report.

pub mod axis;
pub mod canvas;
mod frame;
pub mod heat;
pub mod lines;
pub mod palette;
pub mod points;
pub mod rows;
