"""numba's settings, from environment variables NUMBA_*."""

CPU_NAME: str | None
CPU_FEATURES: str | None
