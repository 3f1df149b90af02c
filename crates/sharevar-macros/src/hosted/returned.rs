//! The result of a method, and what its caller gets for it.

use super::method::{borrows, mentions_self, refuse};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{GenericArgument, PathArguments, PathSegment, Result, ReturnType, Type};

pub(super) enum Returned {
    /// Nothing, or a value that is sent.
    Plain(Type),
    /// A reference; the value behind it is sent.
    Behind(Box<Type>),
    /// A `Result`, by whatever name.
    Fallible(Type),
    /// An object or iterator that stays at the host, or an `Option` or `Result` of one.
    ByReference(Type),
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
            ty if is_by_reference(ty) => Self::ByReference(ty.clone()),
            ty if is_result(ty) => Self::Fallible(ty.clone()),
            ty => Self::Plain(ty.clone()),
        };
        let inner = match &returned {
            Self::Behind(inner) => inner,
            Self::Plain(ty) | Self::Fallible(ty) | Self::ByReference(ty) => ty,
        };
        if let Type::ImplTrait(_) = inner {
            return refuse(
                ty,
                "a hosted method returns one type; for an iterator return a `sharevar::hosted::Stream`",
            );
        }
        if borrows(inner) {
            return refuse(ty, "the result of a hosted method is sent; return an owned value");
        }
        if is_method && mentions_self(ty.to_token_stream()) {
            return refuse(
                ty,
                "a hosted method returns values, or an `Object` of a type that it names: for its caller `Self` is the proxy",
            );
        }
        Ok(returned)
    }

    pub(super) fn is_fallible(&self) -> bool {
        matches!(self, Self::Fallible(_))
    }

    /// The types of the caller's result and error.
    pub(super) fn given(&self) -> (TokenStream, TokenStream) {
        let support = quote! { ::sharevar::hosted::macro_support };
        let error = quote! { ::sharevar::hosted::Error };
        let own_error = |ty| quote! { ::sharevar::hosted::CallError<<#ty as #support::Fallible>::Error> };
        match self {
            Self::Plain(ty) => (ty.to_token_stream(), error),
            Self::Behind(ty) => (quote! { <#ty as ::std::borrow::ToOwned>::Owned }, error),
            Self::ByReference(ty) => (
                quote! { <#ty as #support::ByReference>::Remote },
                quote! { <#ty as #support::ByReference>::Error },
            ),
            Self::Fallible(ty) => (quote! { <#ty as #support::Fallible>::Value }, own_error(ty)),
        }
    }

    /// The function by which a proxy calls the method, and its first argument.
    pub(super) fn call(&self) -> (TokenStream, TokenStream) {
        self.made_by(&quote! { self.0 }, &quote! { call }, quote! { &self.0, })
    }

    /// The function by which a batch calls it.
    pub(super) fn defer(&self) -> (TokenStream, TokenStream) {
        self.made_by(&quote! { self.batch }, &quote! { defer }, quote! { self.batch, })
    }

    fn made_by(&self, on: &TokenStream, way: &TokenStream, first: TokenStream) -> (TokenStream, TokenStream) {
        match self {
            Self::Plain(_) | Self::Behind(_) => (quote! { #on.call }, TokenStream::new()),
            Self::Fallible(_) => (quote! { #on.try_call }, TokenStream::new()),
            Self::ByReference(ty) => (quote! { ::sharevar::hosted::macro_support::#way::<#ty> }, first),
        }
    }
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// The first of a type's own parameters.
fn first_argument(ty: &Type) -> Option<&Type> {
    match &last_segment(ty)?.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(first) => Some(first),
            _ => None,
        },
        _ => None,
    }
}

fn is_result(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == "Result")
}

/// Whether the type stays at the host, or contains one that does. Types without parameters are the
/// program's own.
fn is_by_reference(ty: &Type) -> bool {
    let (Some(last), Some(first)) = (last_segment(ty), first_argument(ty)) else { return false };
    match last.ident.to_string().as_str() {
        "Object" | "Stream" | "TryStream" => true,
        "Arc" | "Option" | "Result" => is_by_reference(first),
        _ => false,
    }
}

/// Whether the type is `Self`, or a `Result` of it.
pub(super) fn gives_self(output: &ReturnType) -> bool {
    let ReturnType::Type(_, ty) = output else { return false };
    let is_self = |ty: &Type| matches!(ty, Type::Path(path) if path.path.is_ident("Self"));
    is_self(ty) || is_result(ty) && first_argument(ty).is_some_and(is_self)
}
