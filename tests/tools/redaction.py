"""Redaction once more, from docs/design/redaction.md and docs/formats/record.md: slow, obvious, standard library only.

Every rule is tried on every key and text with Python's own regular expressions; nothing is filtered beforehand.
"""

import hashlib
import hmac
import json
import re


def load(path):
    """The rules of a file that is written as rules/redaction.yaml is: block lists and maps, values in flow form."""
    keep, rules, into = [], [], None
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            indent = len(line) - len(line.lstrip())
            word = line.strip()
            if indent == 0:
                into = keep if word == "keep:" else None
            elif indent == 2 and word.startswith("- name: "):
                rules.append({"name": word[8:], "keys": [], "except": [], "values": [], "examples": []})
            elif word.startswith("- "):
                into.append(flow(word[2:]))
            else:
                key, _, value = word.partition(":")
                if key == "action":
                    rules[-1][key] = value.strip()
                elif value.strip():
                    rules[-1][key] = flow(value.strip())
                else:
                    into = rules[-1][key]
    return keep, rules


def flow(text):
    value, rest = take(text)
    assert not rest.strip(), text
    return value


def take(text):
    """One value at the start of `text`, and what follows."""
    if text[0] == "[":
        items, text = [], text[1:].lstrip()
        while text[0] != "]":
            item, text = take(text)
            items.append(item)
            text = text.lstrip().removeprefix(",").lstrip()
        return items, text[1:]
    if text[0] == "'":
        match = re.match(r"'((?:[^']|'')*)'", text)
        return match[1].replace("''", "'"), text[match.end() :]
    if text[0] == '"':
        return json.JSONDecoder().raw_decode(text)[0], text[json.JSONDecoder().raw_decode(text)[1] :]
    match = re.match(r"[^,\]]*", text)
    word = match[0].strip()
    return (None if word == "~" else word), text[match.end() :]


def compiled(pattern):
    """RE2's syntax in Python's: the end of the text is \\Z, and white space has no vertical tab."""
    pattern = pattern.replace(r"\z", r"\Z")
    if pattern.endswith("$"):
        pattern = pattern[:-1] + r"\Z"
    return re.compile(pattern.encode())


class Rule:
    def __init__(self, rule):
        self.name, self.action = rule["name"], rule["action"]
        self.keys, self.excepted, self.values = (
            [compiled(pattern) for pattern in rule[part]] for part in ("keys", "except", "values")
        )

    def takes(self, key):
        return any(p.search(key) for p in self.keys) and not any(p.search(key) for p in self.excepted)


class Redaction:
    def __init__(self, keep, rules, key=None):
        self.keep = [compiled(pattern) for pattern in keep]
        self.rules = [Rule(rule) for rule in rules]
        self.key = key

    def shown(self, rule, secret):
        if rule is None or rule.action != "hmac":
            return b"***"
        key_id = hashlib.sha256(b"sealtrail/redaction-key/v1\n" + self.key).hexdigest()[:8]
        return f"hmac:{key_id}:{hmac.new(self.key, secret, 'sha256').hexdigest()[:32]}".encode()

    def value(self, key, empty, secret):
        """The mark of a whole value by its key, or None. `empty`: nothing that could be a secret; `secret`: its bytes."""
        for rule in self.rules:
            if rule.values or not rule.takes(key):
                continue
            if empty or any(p.search(key) for p in self.keep):
                return None
            mark = {"r": [rule.name]}
            if rule.action != "drop":
                mark["t"] = self.shown(rule, secret()).decode()
            return mark
        return None

    def text(self, key, text, is_text=True):
        """The mark of a text (bytes) under a key, or None."""
        pieces, acted, dropped = [], set(), False
        for rule in self.rules:
            if not rule.values or not self.looks(rule, key):
                continue
            for begin, end in self.found(rule, text, is_text):
                if any(b <= begin and end <= e for b, e, _ in pieces):
                    continue
                owner = rule
                while over := next((p for p in pieces if p[0] < end and begin < p[1]), None):
                    pieces.remove(over)
                    begin, end, owner = min(begin, over[0]), max(end, over[1]), None
                pieces.append((begin, end, owner))
                acted.add(rule.name)
                dropped |= rule.action == "drop"
        if not pieces:
            return None
        mark = {"r": sorted(acted)}
        if not dropped:
            out, done = b"", 0
            for begin, end, owner in sorted(pieces, key=lambda piece: piece[0]):
                out += text[done:begin] + self.shown(owner, text[begin:end])
                done = end
            mark["t"] = (out + text[done:]).decode()
        return mark

    def looks(self, rule, key):
        if rule.keys:
            return rule.takes(key) and not any(p.search(key) for p in self.keep)
        return not any(p.search(key) for p in rule.excepted)

    def found(self, rule, text, is_text):
        try:
            text.decode()
        except UnicodeDecodeError:
            is_text = False
        for pattern in rule.values:
            for match in pattern.finditer(text):
                for group in range(1, pattern.groups + 1) if pattern.groups else [0]:
                    begin, end = match.span(group)
                    if begin == end:
                        continue
                    if not is_text:
                        yield 0, len(text)
                        continue
                    while begin > 0 and text[begin] & 0xC0 == 0x80:
                        begin -= 1
                    while end < len(text) and text[end] & 0xC0 == 0x80:
                        end += 1
                    yield begin, end
