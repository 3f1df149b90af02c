//! The macros of sharevar. `sharevar` exports them; nobody depends on this crate directly.
#![forbid(unsafe_code)]

mod hosted;
mod monitor;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, ItemImpl, parse_macro_input};

/// Lets a host keep objects of a type, and gives its proxy: for `impl Counter` a `CounterProxy`
/// with the same methods.
///
/// Every `pub` method of `&self` or `&mut self` is exposed, with arguments and results of any
/// types that serde knows; those of `&self` run beside each other, one of `&mut self` alone. The
/// proxy's methods give a `Result`: for a method that returns a `Result<T, E>` by itself a
/// `Result<T, CallError<E>>`, whose `E` serde and `Display` know, and for any other a
/// `hosted::Result`. What returns a reference returns what it refers to, owned.
///
/// What a method returns as `Object` or `Arc<Object>` stays at the host, and the caller gets a
/// proxy; of a `Stream` or `TryStream` he gets the items. These, `Option` of them and `Result`
/// are known by the names that they have in the signature.
///
/// An argument of the type `Caller<'_>` is who has called; he does not see it.
///
/// `pub` functions without `self` that return `Self`, or a `Result` of it, are constructors: the
/// proxy's take a client before their arguments; who creates an object by its type's name alone
/// gets `new`. Other functions, and what is not `pub` or has
/// the attribute `#[hosted(skip)]`, are left alone.
///
/// For calls in a batch there is a `CounterCalls` with the same methods.
///
/// A host knows the type by its name, or as `#[hosted(name = "...")]` on the `impl` says.
///
/// What cannot be called from elsewhere is an error:
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
