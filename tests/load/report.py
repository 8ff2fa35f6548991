"""What a scenario finds: lines to read, and claims that hold or do not."""

import subprocess
from pathlib import Path


class Report:
    """Prints as it goes, so that a run that hangs has said how far it came."""

    def __init__(self):
        self.failed = 0

    def say(self, text):
        print(f"    {text}", flush=True)

    def claim(self, text, holds):
        self.failed += not holds
        print(f"  {'yes' if holds else 'NO '}  {text}", flush=True)


def memory(process):
    """Return the bytes that a process and its descendants have, each shared page counted once."""
    total = 0
    for pid in [process.pid, *descendants(process.pid)]:
        try:
            with Path(f"/proc/{pid}/smaps_rollup").open() as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except OSError:  # it has ended meanwhile
            pass
    return total * 1024


def descendants(pid):
    """Return the processes that a process has started, and those that they have."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    children = [int(one) for one in listed.stdout.split()]
    return children + [one for child in children for one in descendants(child)]


def judge(report, crowd, folder):
    """Claim what holds in every scenario: nothing refused, nothing wrong, each end noted once."""
    sent, answered, crossed = crowd.sums()
    report.say(
        f"{crowd.attempts} connections opened; {sent} messages sent, {answered} answered, "
        f"{crossed} on their way when the Close came; slowest answer {crowd.slowest:.2f} s"
    )
    report.say(f"codes of the ends: {crowd.codes()}")
    report.claim(f"no connection attempt was refused {crowd.refused[:2] or ''}", not crowd.refused)
    report.claim("every answer was the right one", not crowd.wrong)
    noted = {}
    lines = (folder / "ends").read_text().splitlines()
    for line in lines:
        name, handled, reason, _ = line.split()
        noted.setdefault(name, []).append((int(handled), reason))
    twice = [name for name, ones in noted.items() if len(ones) > 1]
    report.claim(f"no handler had two terminates {twice[:3] or ''}", not twice)
    return noted


def judge_answers(report, crowd, noted):
    """Claim that each connection has the answers to all messages that its handler was given."""
    ended = [one for one in crowd.ended.values() if one not in crowd.lost]
    missing = [one.name for one in ended if one.name not in noted]
    report.claim(
        f"each of the {len(ended)} handlers had its terminate {missing[:3] or ''}", not missing
    )
    unlike = [
        (one.name, one.answered, noted[one.name][0][0])
        for one in ended
        if one.name in noted and one.answered != noted[one.name][0][0]
    ]
    report.claim(f"every message that a handler got was answered {unlike[:3] or ''}", not unlike)
