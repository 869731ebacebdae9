//! Nodes, zones and faults on a virtual clock.
