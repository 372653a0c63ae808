"""`python -m cimc`: the compiler, as `cimc`."""

import sys

from cimc.commands.compile_model import main

if __name__ == "__main__":
    sys.exit(main())
