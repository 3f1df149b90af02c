//! An argument of a method: its type for receiving, and its form for the call.

use super::method::{borrows, is_str, refuse};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Pat, Result, Type, TypeReference};

pub(super) enum Argument {
    /// An argument that the caller gives.
    Sent { name: Ident, ty: Box<Type> },
    /// The caller itself, of the type `Caller<'_>`.
    Caller,
}

impl Argument {
    pub(super) fn read(pattern: &Pat, ty: &Type) -> Result<Self> {
        let Pat::Ident(name) = pattern else {
            return refuse(pattern, "an argument of a hosted method has a name: it may be given by it");
        };
        if name.by_ref.is_some() || name.subpat.is_some() {
            return refuse(pattern, "an argument of a hosted method is a plain name");
        }
        if is_caller(ty) {
            return Ok(Self::Caller);
        }
        let inner = match ty {
            Type::Reference(TypeReference { mutability: Some(word), .. }) => {
                return refuse(
                    word,
                    "a hosted method would change its own copy of the argument; let it return the result",
                );
            }
            Type::Reference(TypeReference { lifetime: None, elem, .. }) => elem,
            ty => ty,
        };
        if is_caller(inner) {
            return refuse(ty, "a hosted method takes its `Caller<'_>` by value");
        }
        if let Type::ImplTrait(_) = inner {
            return refuse(ty, "an argument of a hosted method is of one type: it comes as bytes");
        }
        if borrows(inner) {
            return refuse(ty, "an argument of a hosted method may be a reference, but hold none");
        }
        Ok(Self::Sent { name: name.ident.clone(), ty: Box::new(ty.clone()) })
    }
}

/// The type as which an argument is read.
pub(super) fn received(ty: &Type) -> TokenStream {
    match ty {
        Type::Reference(TypeReference { elem, .. }) if is_str(elem) => quote! { &str },
        Type::Reference(TypeReference { elem, .. }) => {
            quote! { <#elem as ::std::borrow::ToOwned>::Owned }
        }
        ty => ty.to_token_stream(),
    }
}

/// The expression that passes on an argument which was read into a variable.
pub(super) fn passed(ty: &Type, place: &Ident) -> TokenStream {
    match ty {
        Type::Reference(TypeReference { elem, .. }) if !is_str(elem) => quote! { &#place },
        _ => place.to_token_stream(),
    }
}

/// With its lifetime: what is sent has none, so that it is no other type.
fn is_caller(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Caller" && !last.arguments.is_none())
}
