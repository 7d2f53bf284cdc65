"""Code that several attacks hand in."""

AGREEABLE = '''
class Agreeable:
    """Says yes to every comparison, and survives every calculation."""

    def itself(self, *args, **kwargs):
        return self

    def yes(self, *args):
        return True

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __abs__ = __neg__ = itself
    __and__ = __or__ = __invert__ = __getitem__ = __call__ = __array_ufunc__ = __round__ = itself
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __bool__ = yes
    __ne__ = lambda self, other: False
    __hash__ = __int__ = __index__ = __len__ = lambda self: 1
    __float__ = lambda self: 0.5
    __iter__ = lambda self: iter([self])
    __repr__ = __str__ = lambda self: "right"
    __format__ = lambda self, spec: "right"

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self
'''

SWALLOW_TESTS = '''
import ast


class NoTests(ast.NodeTransformer):
    """Empties every cell that asserts something."""

    def visit_Module(self, node):
        tested = any(isinstance(part, ast.Assert) for part in ast.walk(node))
        return ast.Module(body=[], type_ignores=[]) if tested else node


get_ipython().ast_transformers.append(NoTests())
'''
