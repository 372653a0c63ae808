"""`cim-opt file.mlir|model.onnx -p 'pass,pass{option=value}'`: any pass, in any order, on any module."""

import sys
from collections.abc import Sequence

from cimc.commands.shared import fail, run_command, say_written

HELP = "run passes on a module (.mlir) or on an ONNX network (.onnx)"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    return run_command(lambda: _optimize(sys.argv[1:] if argv is None else list(argv)))


def _optimize(argv: list[str]) -> int:
    from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError, VerifyException

    from cimc.ir.source import located_message
    from cimc.optimizer.driver import OptimizerMain

    try:
        driver = OptimizerMain("cim-opt: " + HELP, argv)
        driver.check_files()
        driver.run()
        say_written(*driver.written)
    except ParseError as error:
        return fail(located_message(error))
    except (ArgSpecParseError, VerifyException, DiagnosticException, NotImplementedError, ValueError) as error:
        return fail(str(error) if str(error) else type(error).__name__)
    return 0


if __name__ == "__main__":
    sys.exit(main())
