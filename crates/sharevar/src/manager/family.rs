//! The variables of a family, which belong to no manager.

use crate::error::Result;
use crate::manager::Manager;
use sharevar_rendezvous::{Creation, Family, Lifetime};

impl Manager {
    /// Opens the manager of a family's variables, or makes it: the one in which Python's
    /// `sharevar.shared` keeps them, in the programs that descend from `sharevar run`.
    ///
    /// ```
    /// use sharevar::{Family, Manager};
    ///
    /// // None unless `sharevar run` or `python -m sharevar` has started this program.
    /// let family = Family::of_environment()?.map(|family| Manager::of_family(&family)).transpose()?;
    /// # drop(family);
    /// # Ok::<(), sharevar::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Manager::open`].
    pub fn of_family(family: &Family) -> Result<Self> {
        // Its programs are of one author, who trusts the pickles in it.
        let creation = Creation { capacity: None, lifetime: Lifetime::WhileUsed, allow_pickle: true };
        Ok(Self::builder().name(family.name()).open(Some(&creation))?.0)
    }
}
