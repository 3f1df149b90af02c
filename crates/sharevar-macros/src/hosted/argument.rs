//! An argument of a method: how it is received, and how it is passed on.

use super::method::{borrows, is_str, refuse};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Pat, Result, Type, TypeReference};

pub(super) struct Argument {
    pub(super) name: Ident,
    pub(super) ty: Type,
}

impl Argument {
    pub(super) fn read(pattern: &Pat, ty: &Type) -> Result<Self> {
        let Pat::Ident(name) = pattern else {
            return refuse(pattern, "an argument of a hosted method has a name: it may be given by it");
        };
        if name.by_ref.is_some() || name.subpat.is_some() {
            return refuse(pattern, "an argument of a hosted method is a plain name");
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
        if let Type::ImplTrait(_) = inner {
            return refuse(ty, "an argument of a hosted method is of one type: it comes as bytes");
        }
        if borrows(inner) {
            return refuse(ty, "an argument of a hosted method may be a reference, but hold none");
        }
        Ok(Self { name: name.ident.clone(), ty: ty.clone() })
    }

    /// The type that it is read as.
    pub(super) fn received(&self) -> TokenStream {
        match &self.ty {
            Type::Reference(TypeReference { elem, .. }) if is_str(elem) => quote! { &str },
            Type::Reference(TypeReference { elem, .. }) => {
                quote! { <#elem as ::std::borrow::ToOwned>::Owned }
            }
            ty => ty.to_token_stream(),
        }
    }

    /// What is passed on.
    pub(super) fn passed(&self, place: &Ident) -> TokenStream {
        match &self.ty {
            Type::Reference(TypeReference { elem, .. }) if !is_str(elem) => quote! { &#place },
            _ => place.to_token_stream(),
        }
    }
}
