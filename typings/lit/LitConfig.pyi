class LitConfig:
    def __init__(
        self,
        progname: str,
        path: list[str],
        diagnostic_level: int,
        useValgrind: bool,
        valgrindLeakCheck: bool,
        valgrindArgs: list[str],
        noExecute: bool,
        debug: bool,
        isWindows: bool,
        order: None,
        params: dict[str, str],
    ) -> None: ...
