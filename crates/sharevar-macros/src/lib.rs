//! The macros of sharevar. `sharevar` exports them; programs do not depend on this crate directly.
#![forbid(unsafe_code)]

mod hosted;
mod monitor;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, ItemImpl, parse_macro_input};

/// Lets a host keep objects of a type, and gives its proxy: for `impl Counter` a `CounterProxy`
/// with the same methods.
///
/// Every `pub` method of `&self` or `&mut self` is exposed, with arguments and results of any
/// types that serde knows. Methods of `&self` run concurrently, a method of `&mut self` alone. The
/// proxy's methods return a `Result`: `Result<T, CallError<E>>` for a method that itself returns a
/// `Result<T, E>`, with an `E` that has serde's traits and `Display`, and `hosted::Result` for any
/// other. If a method returns a reference, its caller gets the value behind it, owned.
///
/// An `Object` or `Arc<Object>` that a method returns stays at the host, and the caller gets a
/// proxy; of a `Stream` or `TryStream` it gets the items. The macro knows these types, `Option` of
/// them and `Result` by their names in the signature.
///
/// An argument of the type `Caller<'_>` is the caller itself; the proxy's method does not have it.
///
/// `pub` functions without `self` that return `Self`, or a `Result` of it, are constructors. Those of
/// the proxy take a client before their arguments. A client that creates an object by the name of
/// its type calls `new`. Other functions, functions that are not `pub`, and those with the attribute
/// `#[hosted(skip)]` are not exposed.
///
/// For calls in a batch there is a `CounterCalls` with the same methods.
///
/// A host knows the type by its name, or by the one in `#[hosted(name = "...")]` on the `impl`.
///
/// A `pub` method that cannot be called from another process is a compile error:
///
/// ```compile_fail
/// # struct Counter;
/// #[sharevar_macros::hosted]
/// impl Counter {
///     pub fn add<T: Into<i64>>(&mut self, by: T) {}       // any number of methods, not one
/// }
/// ```
#[proc_macro_attribute]
pub fn hosted(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as ItemImpl);
    hosted::expand(attribute.into(), item).unwrap_or_else(Error::into_compile_error).into()
}

/// Makes a struct the state of a `sharevar::Monitor`: its fields become attributes by name.
///
/// Every field's type is one that serde knows, or a shared variable.
///
/// ```compile_fail
/// #[derive(sharevar_macros::Monitor)]
/// enum Account {
///     Open,
/// }
/// ```
#[proc_macro_derive(Monitor)]
pub fn monitor(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    monitor::derive(&input).unwrap_or_else(Error::into_compile_error).into()
}
