"""What must be known of Ray before it is imported: its environment, and errors of reaching it."""

# Read when ray is imported: no call home, no files and no tables of Tune's own, an interrupt ends
# the sweep and not only the stage, and a submitted job may name these variables once more.
RAY_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",
}


class ClusterError(ValueError):
    """A cluster that cannot be used, in one sentence."""


def no_answer(who: str, address: str, error: Exception) -> ClusterError:
    """The error of an address at which no cluster, dashboard or agent answers."""
    reason = str(error).strip().partition("\n")[0]
    return ClusterError(f"no Ray {who} answers at address={address!r}: {reason}")
