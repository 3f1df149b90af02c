//! What a method returns, and what its caller gets for it.

use super::method::{borrows, mentions_self, refuse};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, Result, ReturnType, Type};

pub(super) enum Returned {
    /// Nothing, or something that is sent as it is.
    Plain(Type),
    /// What a reference leads to.
    Behind(Box<Type>),
    /// A `Result`, by whatever name.
    Fallible(Type),
}

impl Returned {
    /// `is_method`: and not a constructor.
    pub(super) fn read(output: &ReturnType, is_method: bool) -> Result<Self> {
        let ty = match output {
            ReturnType::Default => return Ok(Self::Plain(syn::parse_quote! { () })),
            ReturnType::Type(_, ty) => &**ty,
        };
        let returned = match ty {
            Type::Reference(reference) if reference.mutability.is_none() => {
                Self::Behind(reference.elem.clone())
            }
            ty if is_result(ty) => Self::Fallible(ty.clone()),
            ty => Self::Plain(ty.clone()),
        };
        let inner = match &returned {
            Self::Behind(inner) => inner,
            Self::Plain(ty) | Self::Fallible(ty) => ty,
        };
        if let Type::ImplTrait(_) = inner {
            return refuse(ty, "a hosted method returns one type: it goes as bytes");
        }
        if borrows(inner) {
            return refuse(ty, "what a hosted method returns is sent; return an owned value");
        }
        if is_method && mentions_self(ty.to_token_stream()) {
            return refuse(ty, "a hosted method returns values; let a constructor make objects");
        }
        Ok(returned)
    }

    /// What the caller gets if all goes well, and its error.
    pub(super) fn given(&self) -> (TokenStream, TokenStream) {
        let error = quote! { ::sharevar::hosted::Error };
        match self {
            Self::Plain(ty) => (ty.to_token_stream(), error),
            Self::Behind(ty) => (quote! { <#ty as ::std::borrow::ToOwned>::Owned }, error),
            Self::Fallible(ty) => {
                let fallible = quote! { <#ty as ::sharevar::hosted::generated::Fallible> };
                (quote! { #fallible::Value }, quote! { ::sharevar::hosted::CallError<#fallible::Error> })
            }
        }
    }

    /// By what a proxy, or a batch, calls the method.
    pub(super) fn call(&self) -> TokenStream {
        match self {
            Self::Plain(_) | Self::Behind(_) => quote! { call },
            Self::Fallible(_) => quote! { try_call },
        }
    }
}

fn is_result(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Result"))
}

/// Whether it is `Self`, or a `Result` of that.
pub(super) fn gives_self(output: &ReturnType) -> bool {
    let ReturnType::Type(_, ty) = output else { return false };
    let Type::Path(path) = &**ty else { return false };
    if path.path.is_ident("Self") {
        return true;
    }
    let Some(PathArguments::AngleBracketed(arguments)) =
        path.path.segments.last().filter(|last| last.ident == "Result").map(|last| &last.arguments)
    else {
        return false;
    };
    matches!(arguments.args.first(), Some(GenericArgument::Type(Type::Path(first))) if first.path.is_ident("Self"))
}
