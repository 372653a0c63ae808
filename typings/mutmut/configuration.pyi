class Config:
    only_mutate: list[str]
    pytest_add_cli_args_test_selection: list[str]

def config() -> Config: ...
