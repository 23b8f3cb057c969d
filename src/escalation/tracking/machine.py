"""What the machine does while a run lasts: processor, memory, disk and network, as MLflow's system metrics."""

import contextlib
from collections.abc import Iterator

SECONDS = 10  # between samples; MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL sets another


@contextlib.contextmanager
def sampled(run_id: str) -> Iterator[None]:
    """Sample the machine in a thread while the block lasts, and once at its end, so that the shortest run has a sample."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    monitor = SystemMetricsMonitor(run_id, sampling_interval=SECONDS)
    monitor.start()
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # a store that is gone must not hide why the run ended
            monitor.finish()
            for one in monitor.monitors:
                one.clear_metrics()  # the thread's own sample of a short run is from before there was anything to see
            monitor.collect_metrics()
            monitor.publish_metrics(monitor.aggregate_metrics())
            monitor.mlflow_logger.flush()
