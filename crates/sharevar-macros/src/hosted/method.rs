//! One method: how a host calls it, and how the proxy asks for that.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, Error, FnArg, GenericArgument, Ident, ImplItemFn, Pat, PathArguments, Result, ReturnType,
    Type, TypeReference, Visibility, ext::IdentExt,
};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Receiver {
    None,
    Shared,
    Exclusive,
}

/// What a method returns.
enum Returned {
    /// Nothing, or something that is sent as it is.
    Plain(Type),
    /// What a reference leads to.
    Behind(Box<Type>),
    /// A `Result`, by whatever name.
    Outcome(Type),
}

pub(super) struct Method {
    pub(super) receiver: Receiver,
    pub(super) conditions: Vec<Attribute>,
    name: Ident,
    /// What the proxy's method has of it: the text, and whether it is out of use.
    described: Vec<Attribute>,
    arguments: Vec<Argument>,
    returned: Returned,
}

struct Argument {
    name: Ident,
    ty: Type,
}

impl Method {
    /// Reads a function; nothing if it is none that can be called from elsewhere.
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
            return refuse(word, "a hosted method is safe: whoever calls it is in another process");
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
            returned: Returned::read(&signature.output, receiver)?,
        }))
    }

    pub(super) fn wire_name(&self) -> String {
        self.name.unraw().to_string()
    }

    /// The arm of a `match` by which a host calls it.
    pub(super) fn called(&self) -> TokenStream {
        let Self { conditions, name, receiver, returned, .. } = self;
        let wire_name = self.wire_name();
        let names: Vec<_> = self.arguments.iter().map(|argument| argument.name.unraw().to_string()).collect();
        // Names of the program's own must not be hidden by ours.
        let places: Vec<_> = (0..names.len()).map(|number| format_ident!("argument_{number}")).collect();
        let types = self.arguments.iter().map(Argument::received);
        let passed = self.arguments.iter().zip(&places).map(|(argument, place)| argument.passed(place));
        let read = if names.is_empty() {
            quote! { call.no_arguments()?; }
        } else {
            quote! {
                let mut place = ::std::option::Option::None;
                let (#(#places,)*): (#(#types,)*) = call.arguments(&[#(#names),*], &mut place)?;
            }
        };
        let outcome = quote! { ::sharevar::hosted::generated::Outcome::into_result(result) };
        let run = match (receiver, returned) {
            (Receiver::None, Returned::Outcome(_)) => quote! {
                let result = Self::#name(#(#passed),*);
                match #outcome {
                    Ok(object) => Ok(::sharevar::hosted::Created::Object(object)),
                    Err(error) => call.raised(&error).map(|()| ::sharevar::hosted::Created::Raised),
                }
            },
            (Receiver::None, _) => quote! {
                Ok(::sharevar::hosted::Created::Object(Self::#name(#(#passed),*)))
            },
            (_, returned) => {
                let (guard, this) = if *receiver == Receiver::Exclusive {
                    (quote! { let mut guard = object.write(&call)?; }, quote! { &mut *guard })
                } else {
                    (quote! { let guard = object.read(&call)?; }, quote! { &*guard })
                };
                let result = quote! { #guard let result = Self::#name(#this #(, #passed)*); };
                match returned {
                    // Encoded when nobody waits for the object any more.
                    Returned::Plain(_) => quote! { #result drop(guard); call.returned(&result) },
                    Returned::Behind(_) => quote! { #result call.returned(result) },
                    Returned::Outcome(_) => quote! {
                        #result
                        drop(guard);
                        match #outcome {
                            Ok(value) => call.returned(&value),
                            Err(error) => call.raised(&error),
                        }
                    },
                }
            }
        };
        // Who knows but one constructor of a type, as Python does, means this one.
        let or_unnamed = (*receiver == Receiver::None && wire_name == "new").then(|| quote! { | "" });
        quote! {
            #(#conditions)*
            #wire_name #or_unnamed => {
                #read
                #run
            }
        }
    }

    /// The proxy's method.
    pub(super) fn caller(&self) -> TokenStream {
        let Self { conditions, name, described, receiver, returned, .. } = self;
        let wire_name = self.wire_name();
        let names: Vec<_> = self.arguments.iter().map(|argument| &argument.name).collect();
        let types = self.arguments.iter().map(|argument| &argument.ty);
        let sent = quote! { &(#(&#names,)*) };
        let head = quote! { #(#conditions)* #(#described)* };
        let generated = quote! { ::sharevar::hosted::generated };
        let outcome = |ty: &Type| quote! { <#ty as #generated::Outcome> };
        match (receiver, returned) {
            (Receiver::None, Returned::Outcome(ty)) => {
                // `Self` is the proxy here; only the error's type is taken from it.
                let outcome = outcome(ty);
                quote! {
                    #head
                    pub fn #name(
                        client: &::sharevar::hosted::Client #(, #names: #types)*
                    ) -> ::std::result::Result<Self, ::sharevar::hosted::CallError<#outcome::Error>> {
                        #generated::try_create(client, #wire_name, #sent)
                    }
                }
            }
            (Receiver::None, _) => quote! {
                #head
                pub fn #name(
                    client: &::sharevar::hosted::Client #(, #names: #types)*
                ) -> ::sharevar::hosted::Result<Self> {
                    #generated::create(client, #wire_name, #sent)
                }
            },
            (_, returned) => {
                let (result, call) = match returned {
                    Returned::Plain(ty) => (quote! { ::sharevar::hosted::Result<#ty> }, quote! { call }),
                    Returned::Behind(ty) => {
                        let owned = quote! { <#ty as ::std::borrow::ToOwned>::Owned };
                        (quote! { ::sharevar::hosted::Result<#owned> }, quote! { call })
                    }
                    Returned::Outcome(ty) => {
                        let outcome = outcome(ty);
                        let error = quote! { ::sharevar::hosted::CallError<#outcome::Error> };
                        (quote! { ::std::result::Result<#outcome::Value, #error> }, quote! { try_call })
                    }
                };
                quote! {
                    #head
                    pub fn #name(&self #(, #names: #types)*) -> #result {
                        self.0.#call(#wire_name, #sent)
                    }
                }
            }
        }
    }
}

impl Argument {
    fn read(pattern: &Pat, ty: &Type) -> Result<Self> {
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
    fn received(&self) -> TokenStream {
        match &self.ty {
            Type::Reference(TypeReference { elem, .. }) if is_str(elem) => quote! { &str },
            Type::Reference(TypeReference { elem, .. }) => {
                quote! { <#elem as ::std::borrow::ToOwned>::Owned }
            }
            ty => ty.to_token_stream(),
        }
    }

    /// What is passed on.
    fn passed(&self, place: &Ident) -> TokenStream {
        match &self.ty {
            Type::Reference(TypeReference { elem, .. }) if !is_str(elem) => quote! { &#place },
            _ => place.to_token_stream(),
        }
    }
}

impl Returned {
    fn read(output: &ReturnType, receiver: Receiver) -> Result<Self> {
        let ty = match output {
            ReturnType::Default => return Ok(Self::Plain(syn::parse_quote! { () })),
            ReturnType::Type(_, ty) => &**ty,
        };
        let returned = match ty {
            Type::Reference(reference) if reference.mutability.is_none() => {
                Self::Behind(reference.elem.clone())
            }
            ty if is_result(ty) => Self::Outcome(ty.clone()),
            ty => Self::Plain(ty.clone()),
        };
        let inner = match &returned {
            Self::Behind(inner) => inner,
            Self::Plain(ty) | Self::Outcome(ty) => ty,
        };
        if let Type::ImplTrait(_) = inner {
            return refuse(ty, "a hosted method returns one type: it goes as bytes");
        }
        if borrows(inner) {
            return refuse(ty, "what a hosted method returns is sent; return an owned value");
        }
        if receiver != Receiver::None && mentions_self(ty.to_token_stream()) {
            return refuse(ty, "a hosted method returns values; let a constructor make objects");
        }
        Ok(returned)
    }
}

fn refuse<T>(tokens: &impl ToTokens, message: &str) -> Result<T> {
    Err(Error::new_spanned(tokens, message))
}

fn is_str(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident("str"))
}

fn is_result(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Result"))
}

/// Whether it is `Self`, or a `Result` of that.
fn gives_self(output: &ReturnType) -> bool {
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

/// Whether there is a reference or a lifetime in a type.
fn borrows(ty: &Type) -> bool {
    any(
        ty.to_token_stream(),
        &|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == '&' || mark.as_char() == '\''),
    )
}

fn mentions_self(tokens: TokenStream) -> bool {
    any(tokens, &|token| matches!(token, TokenTree::Ident(ident) if ident == "Self"))
}

fn any(tokens: TokenStream, found: &dyn Fn(&TokenTree) -> bool) -> bool {
    tokens.into_iter().any(|token| match &token {
        TokenTree::Group(group) => any(group.stream(), found),
        other => found(other),
    })
}
