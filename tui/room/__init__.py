"""The shared room: schedule, memory, history, gate, audit, runner, server."""
