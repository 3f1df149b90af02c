//! The engines that the tests run on.

use sharevar::Manager;
use sharevar::engine::Home;

/// A manager of each engine.
pub(crate) fn managers() -> [Manager; 2] {
    [Manager::new().unwrap(), Manager::connect("memory:").unwrap()]
}

/// Makes a home without variables.
pub(crate) type MakeHome = fn() -> Home;

pub(crate) fn shm() -> Home {
    Home::Shm(crate::modeled::arena())
}

pub(crate) fn memory() -> Home {
    Manager::connect("memory:").unwrap().home().clone()
}

/// Makes a test of each function for each engine.
macro_rules! conform {
    ($(fn $name:ident($home:ident) $body:block)*) => {
        $(fn $name($home: crate::engines::MakeHome) $body)*

        mod shm {
            $(
                #[test]
                fn $name() {
                    super::$name(crate::engines::shm);
                }
            )*
        }

        mod memory {
            $(
                #[test]
                fn $name() {
                    super::$name(crate::engines::memory);
                }
            )*
        }
    };
}

pub(crate) use conform;
