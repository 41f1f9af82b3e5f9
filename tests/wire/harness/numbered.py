"""Records that carry their own number, so that a lost, doubled or altered one is found and named."""

import hashlib
import random
from collections import Counter

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


class NumberedRecords:
    """`count` records of one producer: key, value and headers follow from (producer's name, number) alone."""

    def __init__(self, name, count):
        self.name, self.count = name, count

    def key(self, number):
        return f"{self.name}-{number}".encode()

    def value(self, number):
        """60 to 300 bytes: text that compresses, with a part that doesn't."""
        dice = random.Random(f"{self.name}/{number}")
        noise = dice.randbytes(dice.randrange(20, 60)).hex()
        words = " ".join(dice.choices(("log", "line", "knot", "rope", "ship", "wake", "reel"), k=dice.randrange(4, 30)))
        return f'{{"id":{number},"from":"{self.name}","noise":"{noise}","words":"{words}"}}'.encode()

    def headers(self, number):
        value = self.value(number)
        return [("id", str(number).encode()), ("sha", hashlib.sha256(value).digest()), ("empty", b""), ("null", None)]


class Audit:
    """Takes what a consumer saw, and says what is wrong with it."""

    def __init__(self, sources):
        self.sources = {source.name: source for source in sources}
        self.seen = {name: Counter() for name in self.sources}
        self.last = {}
        self.altered, self.disordered = [], []

    def take(self, partition, key, value, headers):
        name, number = key.decode().rsplit("-", 1)
        number = int(number)
        source = self.sources[name]
        self.seen[name][number] += 1
        if value != source.value(number) or headers != source.headers(number):
            self.altered.append((name, number))
        if self.last.get((name, partition), -1) >= number:
            self.disordered.append((name, partition, number))
        self.last[name, partition] = number

    def total(self):
        return sum(sum(seen.values()) for seen in self.seen.values())

    def complaints(self):
        """Nothing, when every number came once, unaltered, and in order within its partition."""
        found = {}
        for name, source in self.sources.items():
            seen = self.seen[name]
            missing = [number for number in range(source.count) if number not in seen]
            doubled = [number for number, times in seen.items() if times > 1]
            strange = [number for number in seen if not 0 <= number < source.count]
            for what, numbers in (("missing", missing), ("doubled", doubled), ("strange", strange)):
                if numbers:
                    found[f"{name}: {len(numbers)} {what}"] = sorted(numbers)[:5]
        if self.altered:
            found[f"{len(self.altered)} altered"] = self.altered[:5]
        if self.disordered:
            found[f"{len(self.disordered)} out of order"] = self.disordered[:5]
        return found
