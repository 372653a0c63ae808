from lit.LitConfig import LitConfig

class ResultCode: ...

PASS: ResultCode

class Result:
    code: ResultCode
    output: str

class TestFormat:
    def execute(self, test: Test, litConfig: LitConfig) -> Result: ...

class TestingConfig:
    test_format: TestFormat

class Test:
    config: TestingConfig
    path_in_suite: tuple[str, ...]
