//! An argument of a method: how it is received, and how it is passed on.

use super::method::{borrows, is_str, refuse};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Pat, Result, Type, TypeReference};

pub(super) enum Argument {
    /// One that the caller gives.
    Sent { name: Ident, ty: Box<Type> },
    /// The caller himself.
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
                    "what a hosted method changes is its own copy; let it return the result",
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

/// The type that an argument is read as.
pub(super) fn received(ty: &Type) -> TokenStream {
    match ty {
        Type::Reference(TypeReference { elem, .. }) if is_str(elem) => quote! { &str },
        Type::Reference(TypeReference { elem, .. }) => {
            quote! { <#elem as ::std::borrow::ToOwned>::Owned }
        }
        ty => ty.to_token_stream(),
    }
}

/// What is passed on, of what was read into a place.
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
