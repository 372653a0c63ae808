from cimc.commands.shared import telling_of_loops
from cimc.machine.fast.compilation import say_compiling


def test_loops_are_compiled_in_the_middle_of_a_step() -> None:
    said: list[str] = []
    with telling_of_loops(said.append) as step:
        step("loading")
        step("executing")
        say_compiling(True)
        say_compiling(False)
    say_compiling(True)  # nobody waits
    assert said == ["loading", "executing", "compiling the machine's loops, once", "executing"]
