//! `#[hosted]`: an `impl` as it is, how a host calls it, and the proxy.

mod method;

use method::{Method, Receiver};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::parse::Parser;
use syn::{Attribute, Error, ImplItem, ItemImpl, LitStr, Result, Type};

pub(crate) fn expand(attribute: TokenStream, mut item: ItemImpl) -> Result<TokenStream> {
    if let Some((_, path, _)) = &item.trait_ {
        return Err(Error::new_spanned(
            path,
            "#[hosted] goes on the type's own `impl`, not on that of a trait",
        ));
    }
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(
            &item.generics,
            "a hosted type has no parameters: a host knows it by one name; wrap it in a struct for each use",
        ));
    }
    let name = type_name(&item.self_ty)?;
    let typeid = typeid(attribute)?.unwrap_or_else(|| LitStr::new(&name.to_string(), name.span()));
    let mut methods = Vec::new();
    for item in &mut item.items {
        if let ImplItem::Fn(function) = item {
            let is_skipped = take_skip(&mut function.attrs)?;
            if !is_skipped && let Some(method) = Method::read(function)? {
                methods.push(method);
            }
        }
    }
    let proxy = format_ident!("{name}Proxy");
    let implementation = implementation(&item.self_ty, &proxy, &typeid, &methods);
    let callers = methods.iter().map(Method::caller);
    let documentation = format!("An object of the type `{name}` in a host, as its callers see it.");
    Ok(quote! {
        // `pub` says what is exposed, also where nobody else can see the type.
        #[allow(unreachable_pub)]
        #item

        #implementation

        ::sharevar::__hosted_proxy! { #[doc = #documentation] #proxy, #typeid }

        // What is not described there is not here.
        #[allow(unreachable_pub, missing_docs, clippy::pedantic)]
        impl #proxy {
            #(#callers)*
        }
    })
}

fn implementation(this: &Type, proxy: &Ident, typeid: &LitStr, methods: &[Method]) -> TokenStream {
    let constructors = methods.iter().filter(|method| method.receiver == Receiver::None);
    let constructors: Vec<_> = constructors.map(Method::called).collect();
    let methods: Vec<_> = methods.iter().filter(|method| method.receiver != Receiver::None).collect();
    let names = methods.iter().map(|method| {
        let (conditions, name) = (&method.conditions, method.wire_name());
        quote! { #(#conditions)* #name }
    });
    let calls = methods.iter().map(|method| method.called());
    quote! {
        #[allow(clippy::pedantic, deprecated)]
        impl ::sharevar::hosted::Hosted for #this {
            const TYPE: &'static str = #typeid;
            const METHODS: &'static [&'static str] = &[#(#names),*];
            type Proxy = #proxy;

            #[allow(unused_variables)]
            fn call(
                object: &::sharevar::hosted::Object<Self>,
                call: ::sharevar::hosted::Call<'_>,
            ) -> ::std::result::Result<(), ::sharevar::hosted::Refused> {
                match call.method() {
                    #(#calls)*
                    _ => call.not_exposed::<Self>(),
                }
            }

            fn create(
                constructor: &str,
                call: ::sharevar::hosted::Call<'_>,
            ) -> ::std::result::Result<::sharevar::hosted::Created<Self>, ::sharevar::hosted::Refused> {
                match constructor {
                    #(#constructors)*
                    _ => call.no_constructor(),
                }
            }
        }
    }
}

fn type_name(this: &Type) -> Result<Ident> {
    match this {
        Type::Path(path) if path.qself.is_none() => match path.path.segments.last() {
            Some(last) if last.arguments.is_none() => Ok(last.ident.clone()),
            _ => Err(Error::new_spanned(this, "a hosted type has no parameters; wrap it in a struct")),
        },
        _ => Err(Error::new_spanned(this, "#[hosted] goes on the `impl` of a struct or enum")),
    }
}

/// What `name = "..."` says.
fn typeid(attribute: TokenStream) -> Result<Option<LitStr>> {
    let mut name = None;
    syn::meta::parser(|meta| {
        if meta.path.is_ident("name") {
            name = Some(meta.value()?.parse()?);
            return Ok(());
        }
        Err(meta.error("it can be `name = \"...\"`"))
    })
    .parse2(attribute)?;
    Ok(name)
}

/// Takes `#[hosted(skip)]` away: whether it was there.
fn take_skip(attributes: &mut Vec<Attribute>) -> Result<bool> {
    let mut is_skipped = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("hosted")) {
        attribute.parse_nested_meta(|meta| {
            is_skipped = true;
            if meta.path.is_ident("skip") { Ok(()) } else { Err(meta.error("it can be `skip`")) }
        })?;
    }
    attributes.retain(|attribute| !attribute.path().is_ident("hosted"));
    Ok(is_skipped)
}
