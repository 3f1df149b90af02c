//! One method, as the program has written it.

use super::argument::Argument;
use super::returned::{Returned, gives_self};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Error, FnArg, Ident, ImplItemFn, Result, Type, Visibility, ext::IdentExt};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Receiver {
    None,
    Shared,
    Exclusive,
}

pub(super) struct Method {
    pub(super) receiver: Receiver,
    pub(super) conditions: Vec<Attribute>,
    pub(super) name: Ident,
    /// The attributes that the proxy's method takes over: its documentation, and whether it is
    /// deprecated.
    pub(super) described: Vec<Attribute>,
    pub(super) arguments: Vec<Argument>,
    pub(super) returned: Returned,
}

impl Method {
    /// Reads a function; `None` if it is not exposed.
    pub(super) fn read(function: &ImplItemFn) -> Result<Option<Self>> {
        let signature = &function.sig;
        if !matches!(function.vis, Visibility::Public(_)) {
            return Ok(None);
        }
        let receiver = match signature.receiver() {
            None if gives_self(&signature.output) => Receiver::None,
            None => return Ok(None),
            Some(this) if this.reference.is_some() && this.colon_token.is_none() => {
                if this.mutability.is_some() { Receiver::Exclusive } else { Receiver::Shared }
            }
            Some(this) => return refuse(this, "a method that others call takes `&self` or `&mut self`"),
        };
        if let Some(word) = &signature.asyncness {
            return refuse(word, "a hosted method is no `async fn`: the host's threads wait for it");
        }
        if let Some(word) = &signature.unsafety {
            return refuse(
                word,
                "a hosted method is safe: its caller is in another process and could not keep a safety contract",
            );
        }
        if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
            return refuse(
                &signature.generics,
                "a hosted method has no parameters of its own: it is called by its name only",
            );
        }
        let arguments = signature
            .inputs
            .iter()
            .filter_map(|input| match input {
                FnArg::Receiver(_) => None,
                FnArg::Typed(argument) => Some(Argument::read(&argument.pat, &argument.ty)),
            })
            .collect::<Result<Vec<_>>>()?;
        let is = |attribute: &&Attribute, name| attribute.path().is_ident(name);
        let attributes = function.attrs.iter();
        Ok(Some(Self {
            receiver,
            conditions: attributes.clone().filter(|attribute| is(attribute, "cfg")).cloned().collect(),
            name: signature.ident.clone(),
            described: attributes
                .filter(|attribute| is(attribute, "doc") || is(attribute, "deprecated"))
                .cloned()
                .collect(),
            arguments,
            returned: Returned::read(&signature.output, receiver != Receiver::None)?,
        }))
    }

    pub(super) fn wire_name(&self) -> String {
        self.name.unraw().to_string()
    }
}

pub(super) fn refuse<T>(tokens: &impl ToTokens, message: &str) -> Result<T> {
    Err(Error::new_spanned(tokens, message))
}

pub(super) fn is_str(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("str"))
}

/// Whether there is a reference or a lifetime in a type.
pub(super) fn borrows(ty: &Type) -> bool {
    any(
        ty.to_token_stream(),
        &|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == '&' || mark.as_char() == '\''),
    )
}

pub(super) fn mentions_self(tokens: TokenStream) -> bool {
    any(tokens, &|token| matches!(token, TokenTree::Ident(ident) if ident == "Self"))
}

fn any(tokens: TokenStream, found: &dyn Fn(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| match &token {
        TokenTree::Group(group) => any(group.stream(), found),
        other => found(other),
    })
}
