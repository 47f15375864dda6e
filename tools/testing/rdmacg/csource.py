# SPDX-License-Identifier: GPL-2.0-only
"""Read kernel C without a compiler: what a file declares, and what it uses.

This relies on how the kernel's source is laid out: what is at file scope
begins in the first column, and so does the brace that ends it. Both arms of
an #if count, as nobody has configured the tree yet.
"""

import bisect
import collections
import functools
import re

KEYWORDS = frozenset(
    "if for while do switch case return sizeof typeof defined else goto break "
    "continue default static extern inline const volatile struct union enum "
    "typedef int char long short unsigned signed void float double register "
    "__attribute__ __typeof__ asm _Static_assert".split())
NO_TYPE = frozenset("if for while do switch case return sizeof typeof defined else "
                    "goto break continue default".split())
# What declares a name at file scope. One that is all in capitals is more likely to
# be the use of a macro than a function.
DECLARATIONS = tuple((kind, re.compile(pattern, re.M)) for kind, pattern in (
    ("function", r"^(?!typedef\b)\w[\w\s*]*?[\s*]((?![A-Z0-9_]+\b)\w+)\s*\("),
    ("function", r"^static\s+(?:__always_)?inline\b[\w\s*]*?[\s*]([A-Z0-9_]+)\s*\("),
    ("type", r"^typedef\b[^;{}()]*?(\w+)\s*(?:\[[^;]*\])?\s*;"),
    ("type", r"^typedef\b[^;{}()]*\(\s*\*\s*(\w+)\s*\)\s*\([^;]*;"),
    ("type", r"^\}\s*(?:__\w+\s*)*(\w+)\s*(?:__\w+\s*)*;"),
    ("object", r"^(?:extern|static)\b[^;{}()=]*?(\w+)\s*(?:\[[^;=]*\])?\s*[;=]"),
    ("object", r"^static\s+[A-Z_]+\(\s*(\w+)\b"),
))
# A constant, a type, an annotation, the task that runs.
NAME = re.compile(r"(?!CONFIG_)[A-Z][A-Z0-9_]{2,}|\w+_t|[su](8|16|32|64)|__[a-z]\w*|"
                  r"current")
TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|->|\.\.\.|[^\s\w]")

Use = collections.namedtuple("Use", "kind name line nargs types")
# kind is "header", "call", "name" (a constant, a type, an annotation), "struct",
# "member" (name is STRUCT.MEMBER) or "callback" (likewise; types is what the
# function of ours returns and takes). types are, for a call, the struct that each
# argument is or points to; None where that is not plain to see.


def blank(text):
    """text without comments and what is in strings, line for line."""
    def instead(match):
        found = match[0]
        if found[0] == "/":
            return " " + "\n" * found.count("\n")
        return '""' if found[0] == '"' else "0"
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'",
                  instead, text, flags=re.S)


def closing(text, start):
    """Where the bracket at text[start] is closed; the end of text if nowhere."""
    depth = 0
    for match in re.compile(r"[(){}\[\]]").finditer(text, start):
        depth += 1 if match[0] in "({[" else -1
        if not depth:
            return match.start()
    return len(text)


def split(text, separator=","):
    """The parts of text between separators outside of brackets."""
    parts, depth, begin = [], 0, 0
    for match in re.finditer(rf"[(){{}}\[\]{separator}]", text):
        if match[0] == separator:
            if not depth:
                parts.append(text[begin:match.start()])
                begin = match.end()
        else:
            depth += 1 if match[0] in "({[" else -1
    parts.append(text[begin:])
    return [part.strip() for part in parts]


def parameters(text):
    """The parameters of a prototype or macro; none for "void" or nothing."""
    params = split(text)
    return [] if params in ([""], ["void"]) else params


def bare_type(param):
    """A parameter without its name: "char *buf" and "char *" are the same."""
    words = re.findall(r"\w+|[*\[\]]", re.sub(r"\b(?:__\w+|const)\b", " ", param))
    if len(words) > 1 and re.match(r"\w", words[-1]) and \
            words[-2] not in ("struct", "union", "enum") and words[-1] not in KEYWORDS:
        words.pop()
    return " ".join(words)


def struct_of(text):
    match = re.search(r"\bstruct\s+(\w+)", text)
    return match[1] if match else None


class Decl:
    """One declaration or definition of a name, somewhere in a file."""

    def __init__(self, file, kind, begin, end):
        self.file, self.kind, self.begin, self.end = file, kind, begin, end

    @property
    def line(self):
        return self.file.line(self.begin)

    @functools.cached_property
    def params(self):
        """The parameters as text, or None where there is no list of them."""
        if self.kind == "macro":
            match = re.compile(r"\(([^)]*)\)").match(self.file.blanked, self.end)
            return parameters(match[1].replace("\\\n", " ")) if match else None
        if self.kind == "function":
            code, start = self.file.code, self.end - 1
            return parameters(code[start + 1:closing(code, start)])
        return None

    @property
    def returned(self):
        """A function's type: what is left of its name, maybe on a line above."""
        code = self.file.code
        start = code.rfind("\n", 0, self.begin) + 1
        if not code[start:self.begin].strip():
            start = code.rfind("\n", 0, start - 1) + 1
        return code[start:self.begin]

    def takes(self, count):
        if self.params is None:
            return True
        if self.params and self.params[-1].endswith("..."):
            return count >= len(self.params) - 1
        return count == len(self.params)


class File:
    """What a C file declares."""

    def __init__(self, text):
        self.raw = text

    @functools.cached_property
    def includes(self):
        """With the bracket or quote that they begin with."""
        text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), self.raw,
                      flags=re.S)
        return re.findall(r"^[ \t]*#[ \t]*include[ \t]+([<\"][^>\"\n]+)[>\"]",
                          text, re.M)

    @functools.cached_property
    def blanked(self):
        return blank(self.raw)

    @functools.cached_property
    def code(self):
        """Without preprocessor lines, and without what looks like a function
        in the midst of a prototype: attributes.
        """
        code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", self._spaces, self.blanked,
                      flags=re.M)
        return re.sub(r"\b__\w+\s*\(\s*(?:\d[\d,\s]*|\((?:[^()]|\([^()]*\))*\))\s*\)",
                      lambda m: re.sub(r"[^\n]", "_", m[0]), code)

    @staticmethod
    def _spaces(match):
        return re.sub(r"[^\n]", " ", match[0])

    @functools.cached_property
    def _line_starts(self):
        return [m.end() for m in re.finditer("\n", self.blanked)]

    def line(self, offset):
        return bisect.bisect_right(self._line_starts, offset) + 1

    @functools.cached_property
    def structs(self):
        """{struct: what is in its braces}"""
        found = {}
        begin = r"^(?:typedef\s+)?(?:struct|union)\s+(?:__\w+\s+)*(\w+)\s*\{"
        for match in re.finditer(begin, self.code, re.M):
            end = closing(self.code, match.end() - 1)
            found[match[1]] = self.code[match.end():end]
        return found

    @functools.cached_property
    def names(self):
        """{name: [Decl, ...]}"""
        found = collections.defaultdict(list)

        def add(kind, match):
            found[match[1]].append(Decl(self, kind, match.start(1), match.end()))

        for match in re.finditer(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", self.blanked,
                                 re.M):
            add("macro", match)
        for kind, pattern in DECLARATIONS:
            for match in pattern.finditer(self.code):
                add(kind, match)
        for match in re.finditer(r"^DEFINE_EVENT\(\s*\w+\s*,\s*(\w+)", self.code,
                                 re.M):
            for name in (f"trace_{match[1]}", f"trace_{match[1]}_enabled"):
                found[name].append(Decl(self, "event", match.start(1), match.end()))
        constant = re.compile(r"(?:(?<=[{,])|(?<=\n))\s*(\w+)\s*(?=[=,}\n])")
        for body in re.finditer(r"\benum\b[^;{}()]*\{([^}]*)\}", self.code):
            for match in constant.finditer(self.code, body.start(1), body.end()):
                add("constant", match)
        return found

    def body(self, function):
        """The code of a function that is defined here; None if it is not."""
        for match in re.finditer(rf"^(?:\w[\w\s*]*?[\s*])?{re.escape(function)}\s*\(",
                                 self.code, re.M):
            end = closing(self.code, match.end() - 1)
            brace = re.compile(r"\)[\s\w()]*?\{").match(self.code, end)
            if brace:
                return self.code[brace.end():closing(self.code, brace.end() - 1)]
        return None

    def functions(self):
        """(name, offset of its body, its end) of all that are defined here."""
        for match in re.finditer(r"^\w[^;{}=]*?(\w+)\s*\([^;{}]*\)\s*\{", self.code,
                                 re.M):
            yield match[1], match.end(), closing(self.code, match.end() - 1)


@functools.lru_cache(maxsize=None)
def members(body):
    """{member: the struct it is or points to, or None} of a struct's body."""
    found = {}
    for statement in body.split(";"):
        text = re.sub(r"\b__\w+(?:\s*\([^()]*\))?", " ", statement.rpartition("{")[2])
        function = re.search(r"\(\s*\*\s*(\w+)\s*\)\s*\(", text)
        if function:
            found[function[1]] = None
            continue
        for part in split(text):
            match = re.search(r"(\w+)\s*(?:\[[^;]*\])?\s*(?::[^;]*)?$", part)
            if match:
                found[match[1]] = struct_of(text)
    return found


def callback(body, name):
    """(type returned, parameters) of a member that points to a function."""
    match = re.search(rf"([\w\s*]+?)\(\s*\*\s*{name}\s*\)\s*\(", body)
    if not match:
        return None
    return match[1], body[match.end():closing(body, match.end() - 1)]


def prototype(returned, params):
    """What two declarations of a function have in common if they agree."""
    words = [word for word in re.findall(r"\w+|\*", returned)
             if word not in ("static", "inline", "extern", "const")]
    return " ".join(words), tuple(map(bare_type, parameters(params)))


class Uses:
    """What a file of ours uses that it does not declare itself.

    own are files whose declarations are ours, this one's among them. Macros of
    ours are replaced by what they stand for.
    """

    def __init__(self, file, own):
        self.file, self.own = file, own
        self.own_names = set()
        for each in own:
            self.own_names |= each.names.keys() | each.structs.keys()
        self.code = self._expand()
        self._tokenize()
        self.scope = None

    def _expand(self):
        code = re.sub(r"^[ \t]*#[ \t]*(?!define)(?:[^\n]*\\\n)*[^\n]*", File._spaces,
                      self.file.blanked, flags=re.M)
        macros = {}
        definition = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)]*\))?"
                                r"((?:[^\n]*\\\n)*[^\n]*)", re.M)
        for each in self.own:
            for match in definition.finditer(each.blanked):
                if match[2]:
                    macros[match[1]] = (split(match[2][1:-1].replace("\\\n", " ")),
                                        re.sub(r"\s*\\\n\s*", " ", match[3]))
        # Of what takes arguments only the uses stay, of the others the value.
        code = definition.sub(lambda m: "\n" * m[0].count("\n") if m[2] else
                              m[3].replace("\\\n", " \n"), code)
        return self._replace_calls(code, macros)

    def _replace_calls(self, code, macros):
        if not macros:
            return code
        call = re.compile(rf"\b({'|'.join(macros)})\s*\(")
        parts, at = [], 0
        while match := call.search(code, at):
            end = closing(code, match.end() - 1)
            replaced = self._replace(*macros[match[1]], code[match.end():end])
            # A macro is not replaced in what it stands for itself.
            others = {name: macro for name, macro in macros.items() if name != match[1]}
            parts += [code[at:match.start()], self._replace_calls(replaced, others),
                      "\n" * code.count("\n", match.start(), end)]
            at = end + 1
        return "".join(parts) + code[at:]

    @staticmethod
    def _replace(params, text, arguments):
        args = [" ".join(arg.split()) for arg in split(arguments)]
        values = dict(zip(params, args))
        if params[-1] == "...":
            rest = ", ".join(args[len(params) - 1:])
            values.pop("...", None)
            values["__VA_ARGS__"] = rest
            if not rest:
                text = re.sub(r",\s*##\s*__VA_ARGS__", "", text)
            text = re.sub(r",\s*##\s*__VA_ARGS__", ", __VA_ARGS__", text)
        text = re.sub(r"\b\w+\b", lambda m: values.get(m[0], m[0]), text)
        return re.sub(r"\s*##\s*", "", text)

    def _tokenize(self):
        self.tokens, self.lines = [], []
        self.match, self.brace = {}, []
        starts = [m.end() for m in re.finditer("\n", self.code)]
        stack = []
        self.chunk, chunk = [], 0
        for found in TOKEN.finditer(self.code):
            number, token = len(self.tokens), found[0]
            self.tokens.append(token)
            self.lines.append(bisect.bisect_right(starts, found.start()) + 1)
            self.brace.append(next((i for i in reversed(stack)
                                    if self.tokens[i] == "{"), None))
            self.chunk.append(chunk)
            if token in "([{":
                stack.append(number)
            elif token in ")]}" and stack:
                self.match[number] = stack.pop()
                self.match[self.match[number]] = number
                if token == "}" and not stack:
                    chunk += 1
        self.variables = collections.defaultdict(dict)
        self._find_variables()

    def _find_variables(self):
        """{name: its struct, or None} for each function by itself."""
        toks = self.tokens
        for i, token in enumerate(toks[:-2]):
            if not re.match(r"[A-Za-z_]", token) or token in NO_TYPE:
                continue
            struct, j = token if i and toks[i - 1] == "struct" else None, i + 1
            while True:
                while j < len(toks) and toks[j] in ("*", "const", "__rcu"):
                    j += 1
                if j + 1 >= len(toks) or not re.match(r"[A-Za-z_]", toks[j]) or \
                        toks[j + 1] not in "=,;)[":
                    break
                # A file's own variables begin no function: they hold for all.
                scope = None if self.brace[i] is None and \
                    toks[j + 1] in "=;[" else self.chunk[i]
                self.variables[scope].setdefault(toks[j], struct)
                # A list of variables goes on after a comma, if it is none of
                # parameters.
                j += 1
                while j < len(toks) and toks[j] not in ",;){":
                    j = self.match.get(j, j) if toks[j] in "([" else j
                    j += 1
                if j >= len(toks) or toks[j] != ",":
                    break
                j += 1

    def _is_variable(self, i):
        name = self.tokens[i]
        return name in self.variables[self.chunk[i]] or name in self.variables[None]

    def _variable(self, i):
        name = self.tokens[i]
        return self.variables[self.chunk[i]].get(name) or self.variables[None].get(name)

    def _member_struct(self, struct, name):
        body = self.scope.struct(struct) if struct else None
        return members(body).get(name) if body else None

    def _own_functions(self, name):
        return [decl for each in self.own for decl in each.names.get(name, ())
                if decl.kind == "function"]

    def _returned(self, name):
        """The struct to which a function returns a pointer."""
        for decl in self._own_functions(name) or self.scope.functions(name):
            return struct_of(decl.returned)
        return None

    def before(self, i):
        """(struct, first token) of the expression of which token i is the last."""
        toks = self.tokens
        token = toks[i]
        if token == "]":
            return self.before(self.match[i] - 1)
        if token == ")":
            start = self.match.get(i, 0)
            name = toks[start - 1] if start else ""
            if re.match(r"[A-Za-z_]", name) and name not in KEYWORDS:
                return self._returned(name), start - 1
            inner = start + 1
            while toks[inner] in "&*":
                inner += 1
            if toks[inner] == "(" and toks[inner + 1] == "struct":
                return toks[inner + 2], start
            struct, first = self.before(i - 1)
            return (struct if first == inner else None), start
        if not re.match(r"[A-Za-z_]", token):
            return None, i
        if i and toks[i - 1] in ("->", "."):
            if toks[i - 1] == "." and toks[i - 2] in "{,":
                return self._member_struct(self._initialized(i - 1), token), i - 1
            struct, first = self.before(i - 2)
            return self._member_struct(struct, token), first
        return self._variable(i), i

    def _initialized(self, i):
        """The struct whose initializer token i is in."""
        toks = self.tokens
        brace = self.brace[i]
        if brace is None:
            return None
        previous = toks[brace - 1]
        if previous == ")":
            return struct_of(" ".join(toks[self.match[brace - 1]:brace]))
        if previous in "{,":
            return self._initialized(brace)
        if previous == "=":
            return self.before(brace - 2)[0]
        return None

    def _arguments(self, start):
        """[(first, last), ...] tokens of each argument of the call's bracket."""
        end = self.match.get(start, start)
        if end <= start + 1:
            return []
        args, first, i = [], start + 1, start + 1
        while i < end:
            if self.tokens[i] == ",":
                args.append((first, i - 1))
                first = i + 1
            elif self.tokens[i] in "([{":
                i = self.match[i]
            i += 1
        return [*args, (first, end - 1)]

    def _argument_struct(self, first, last):
        if first > last:
            return None
        while first < last and self.tokens[first] == "&":
            first += 1
        struct, begin = self.before(last)
        return struct if begin == first else None

    def all(self, scope):
        """Yield each use; the same thing as often as it is used.

        scope.struct() gives the body of a struct that is not ours, or None, and
        scope.functions() the declarations of a function.
        """
        self.scope, toks = scope, self.tokens
        for include in self.file.includes:
            yield Use("header", include, 0, 0, None)
        for i, token in enumerate(toks):
            if not re.match(r"[A-Za-z_]", token) or token in KEYWORDS:
                continue
            line = self.lines[i]
            after = toks[i + 1] if i + 1 < len(toks) else ""
            if i and toks[i - 1] in ("->", ".") and toks[i - 2] != "...":
                yield from self._member_use(i, line)
            elif i and toks[i - 1] == "struct":
                if token not in self.own_names:
                    yield Use("struct", token, line, 0, None)
            elif token in self.own_names or self._is_variable(i):
                continue
            elif after == "(":
                args = self._arguments(i + 1)
                yield Use("call", token, line, len(args),
                          tuple(self._argument_struct(*arg) for arg in args))
            elif NAME.fullmatch(token) or \
                    toks[i - 1] == "&" and toks[i - 2] in "(,=?:{":
                yield Use("name", token, line, 0, None)

    def _member_use(self, i, line):
        toks = self.tokens
        in_initializer = toks[i - 1] == "." and toks[i - 2] in "{,"
        struct = self._initialized(i - 1) if in_initializer else self.before(i - 2)[0]
        name = f"{struct or '?'}.{toks[i]}"
        yield Use("member", name, line, 0, None)
        if struct and toks[i + 1] == "=" and toks[i + 3] in ",}":
            for decl in self._own_functions(toks[i + 2])[:1]:
                yield Use("callback", name, line, 0,
                          (decl.returned, ", ".join(decl.params)))
