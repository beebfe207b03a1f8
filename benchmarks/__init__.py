"""One file per figure of performance.md; each prints its ratio with the peer or floor measured in the same run."""
