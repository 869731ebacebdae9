# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A first look at a run
#
# A run's folder holds `setup.json` (what was run, where and when) and `rows.jsonl` (one JSON object a
# line: benchmark cells, trace replays, simulated runs). This notebook reads them with polars and draws
# two of the report's plots again, as a place to begin with your own questions.
#
# `RUN` below names the folder. Change it, or set the environment variable `SEAWALL_RUN`, which goes
# first.

# %% tags=["parameters"]
RUN = "../results/quick"

# %%
import json
import os
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl

run = Path(os.environ.get("SEAWALL_RUN", RUN))
setup = json.loads((run / "setup.json").read_text())
assert setup["schema"] == 1, f"{run}: setup.json has schema {setup['schema']}; this notebook reads 1"

rows = []
with (run / "rows.jsonl").open() as lines:
    for number, line in enumerate(lines, 1):
        if not line.endswith("\n"):
            print(f"{run}: line {number} of rows.jsonl was cut off and is left out")
            break
        row = json.loads(line)
        assert row["schema"] == 1, f"line {number}: schema {row['schema']}; this notebook reads 1"
        rows.append(row)

print(f"{setup['suite']}, begun {setup['created']}: {len(rows)} rows")


# %%
def table(kind: str, columns: list[str]) -> pl.DataFrame:
    """The rows of one kind; only `columns`, since nested fields differ from row to row."""
    picked = [{name: row.get(name) for name in columns} for row in rows if row["kind"] == kind]
    return pl.DataFrame(picked, schema=columns, infer_schema_length=None)


# %% [markdown]
# ## Hit ratios
#
# The share of requests that missed, by cache size. Belady's policy knows the future and is the floor.

# %%
lab = table("lab", ["trace", "policy", "size", "unit", "requests", "misses"])
assert lab.height, "this run has no lab rows: seawall replay TRACE --policy all"
lab = (
    # A size may be as large as 2^64 - 1, which no signed column holds.
    lab.with_columns(pl.col("size").cast(pl.Float64), miss_ratio=pl.col("misses") / pl.col("requests"))
    .group_by("trace", "unit", "policy", "size", maintain_order=True)
    .agg(pl.col("miss_ratio").mean())
    .sort("trace", "policy", "size")
)
assert lab["miss_ratio"].is_between(0, 1).all()
bounded = lab.filter(pl.col("policy") != "unbounded")
bounded.pivot("policy", index=["trace", "size"], values="miss_ratio").sort("trace", "size")

# %%
# The colours of the report (Okabe and Ito), so that a policy looks the same here.
COLOURS = {
    "fifo": "#E69F00",
    "lru": "#0072B2",
    "clock": "#CC79A7",
    "sieve": "#009E73",
    "s3fifo": "#D55E00",
    "lfu": "#56B4E9",
    "belady": "#1A1A1B",
    "none": "#D55E00",
    "async": "#E69F00",
    "quorum": "#0072B2",
}

traces = bounded["trace"].unique(maintain_order=True).to_list()
figure, axes = plt.subplots(
    len(traces), 1, figsize=(8, 3.6 * len(traces)), squeeze=False, layout="constrained"
)
for axis, trace in zip(axes.flat, traces):
    of_trace = bounded.filter(pl.col("trace") == trace)
    for (policy,), curve in of_trace.group_by("policy", maintain_order=True):
        style = "--" if policy == "belady" else "o-"
        axis.plot(
            curve["size"], 100 * curve["miss_ratio"], style, label=policy, color=COLOURS.get(policy), ms=4
        )
    unbounded = lab.filter(pl.col("trace") == trace, pl.col("policy") == "unbounded")
    if unbounded.height:
        axis.axhline(100 * unbounded["miss_ratio"][0], color="#5C5C5D", ls=":", label="unbounded")
    axis.set(
        title=trace,
        xscale="log",
        xlabel=f"cache size ({of_trace['unit'][0]})",
        ylabel="requests that missed (%)",
        ylim=(0, None),
    )
    axis.grid(alpha=0.3)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# ## Failures
#
# Acknowledged writes that were lost, one dot a seed, at the sharding that all replications were run
# with. Zero has its place at the left end.

# %%
sim = table(
    "sim",
    [
        "fault",
        "replication",
        "sharding",
        "workload",
        "seed",
        "claim",
        "acked_writes",
        "lost_acked_writes",
        "unavailable_ms",
    ],
)
assert sim.height, "this run has no simulated rows: seawall simulate"
assert (sim["lost_acked_writes"] <= sim["acked_writes"]).all()
shardings = sim.group_by("sharding", maintain_order=True).agg(pl.col("replication").n_unique())
sharding = shardings.sort("replication", descending=True, maintain_order=True)["sharding"][0]
replications = sim.filter(pl.col("sharding") == sharding)
replications.group_by("fault", "replication", maintain_order=True).agg(
    pl.len().alias("runs"),
    (pl.col("lost_acked_writes") > 0).sum().alias("runs that lost"),
    pl.col("lost_acked_writes").median().alias("lost (median)"),
    pl.col("lost_acked_writes").max().alias("lost (most)"),
    (pl.col("unavailable_ms").median() / 1000).alias("unavailable s (median)"),
)

# %%
faults = replications["fault"].unique(maintain_order=True).to_list()
names = replications["replication"].unique(maintain_order=True).to_list()
figure, axes = plt.subplots(
    len(faults), 1, figsize=(8, 1.6 * len(faults) + 0.6), squeeze=False, sharex=True, layout="constrained"
)
for axis, fault in zip(axes.flat, faults):
    for height, name in enumerate(names):
        lost = replications.filter(pl.col("fault") == fault, pl.col("replication") == name)
        lost = lost["lost_acked_writes"]
        axis.plot(lost, [height] * len(lost), "o", color=COLOURS.get(name), alpha=0.5)
        axis.plot([lost.median()], [height], "|", color=COLOURS.get(name), ms=18, mew=3)
    axis.set(title=fault, xscale="symlog", xlim=(-0.2, None), ylim=(len(names) - 0.5, -0.5))
    axis.set_yticks(range(len(names)), names)
    axis.grid(axis="x", alpha=0.3)
axes.flat[-1].set_xlabel(f"acknowledged writes lost (sharding: {sharding})")
plt.show()
