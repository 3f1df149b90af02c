"""What `import sharevar` does besides giving names."""

from __future__ import annotations

from ._edition import IS_NATIVE


def start() -> None:
    """Prepare this process and its children for shared variables."""
    if not IS_NATIVE:
        from ._elsewhere import family as pure_family
        from ._elsewhere import missing

        pure_family.found()
        missing.warn()
        return
    from . import _native
    from ._family import arenas, children, on_exit
    from ._hosting import base_manager
    from ._managers import rebuilding, tokens
    from ._public import public_in
    from ._variables import found_classes, greenlets, pickling

    public_in("sharevar")(_native.Arena)
    _native.set_pickler(pickling.dumps, pickling.loads, arenas.reader)
    _native.set_class_loader(found_classes.load)
    base_manager.patch_standard_managers()
    rebuilding.take_the_standard_place()
    tokens.give_to_proxies()
    children.tell_children()
    on_exit.register()
    greenlets.arrange()
