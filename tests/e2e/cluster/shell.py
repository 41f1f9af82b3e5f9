"""Running programs to their end, with an error that shows what they said."""

import subprocess


class CommandFailed(Exception):
    """A program ended with a status other than 0."""

    def __init__(self, args, result):
        self.returncode = result.returncode
        self.stdout = result.stdout or ""
        self.stderr = result.stderr or ""
        said = "\n".join(part.strip() for part in (self.stderr, self.stdout) if part.strip())
        super().__init__(f"{' '.join(map(str, args))}: exit status {self.returncode}\n{said}".rstrip())


def run(*args, input=None, check=True, env=None, cwd=None, timeout=600):
    """Runs a program and returns its `CompletedProcess`, both outputs as text."""
    args = [str(arg) for arg in args]
    result = subprocess.run(
        args, input=input, capture_output=True, text=True, env=env, cwd=cwd, timeout=timeout, check=False
    )
    if check and result.returncode != 0:
        raise CommandFailed(args, result)
    return result


def output(*args, **options):
    """What a program printed, without the white space around it."""
    return run(*args, **options).stdout.strip()
