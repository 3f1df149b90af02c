//! `#[hosted]`: the `impl` itself, the function by which a host calls it, and the proxy.

mod argument;
mod called;
mod caller;
mod method;
mod returned;

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
    let (proxy, calls) = (format_ident!("{name}Proxy"), format_ident!("{name}Calls"));
    let implementation = implementation(&item.self_ty, &proxy, &typeid, &methods);
    let callers = methods.iter().map(Method::caller);
    let deferred = methods.iter().filter_map(Method::deferred);
    let documentation = format!("An object of the type `{name}` in a host, as its callers see it.");
    let of_calls = format!("The calls of a [`{proxy}`] in a batch.");
    Ok(quote! {
        // `pub` exposes a method even if the type itself is private.
        #[allow(unreachable_pub)]
        #item

        #implementation

        ::sharevar::__hosted_proxy! { #[doc = #documentation] #proxy, #[doc = #of_calls] #calls, #typeid }

        // The program's own methods may have no documentation.
        #[allow(unreachable_pub, missing_docs, clippy::pedantic)]
        impl #proxy {
            #(#callers)*
        }

        // A program need not call every method in batches.
        #[allow(unreachable_pub, missing_docs, dead_code, clippy::pedantic)]
        impl #calls<'_> {
            #(#deferred)*
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
            ) -> ::std::result::Result<::std::option::Option<Self>, ::sharevar::hosted::Refused> {
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

/// Reads the name in `name = "..."`.
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

/// Removes `#[hosted(skip)]`, and returns whether it was there.
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

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_str;

    fn refused(attribute: &str, item: &str) -> String {
        match expand(parse_str(attribute).unwrap(), parse_str(item).unwrap()) {
            Ok(tokens) => panic!("{item} was taken: {tokens}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_cannot_be_called_from_elsewhere_is_told() {
        for (method, part) in [
            ("pub fn f(self) {}", "takes `&self` or `&mut self`"),
            ("pub fn f(self: &Arc<Self>) {}", "takes `&self` or `&mut self`"),
            ("pub async fn f(&self) {}", "no `async fn`"),
            ("pub unsafe fn f(&self) {}", "is safe"),
            ("pub fn f<T>(&self, it: T) {}", "no parameters of its own"),
            ("pub fn f<'a>(&'a self) {}", "no parameters of its own"),
            ("pub fn f(&self, it: impl Into<i64>) {}", "is of one type"),
            ("pub fn f(&self, it: &impl Debug) {}", "is of one type"),
            ("pub fn f(&self, it: &mut i64) {}", "its own copy"),
            ("pub fn f(&self, it: Option<&str>) {}", "but hold none"),
            ("pub fn f(&self, it: Cow<'static, str>) {}", "but hold none"),
            ("pub fn f(&self, by: &Caller<'_>) {}", "by value"),
            ("pub fn f(&self, (a, b): (i64, i64)) {}", "has a name"),
            ("pub fn f(&self) -> Option<&str> { None }", "return an owned value"),
            ("pub fn f(&mut self) -> &mut i64 { &mut self.0 }", "return an owned value"),
            ("pub fn f(&self) -> impl Iterator<Item = i64> { 0..1 }", "hosted::Stream"),
            ("pub fn f(&self) -> Stream<&str> { Stream::new([]) }", "return an owned value"),
            ("pub fn f(&self) -> Self { Self }", "of a type that it names"),
            ("pub fn f(&self) -> Object<Self> { Object::new(Self) }", "of a type that it names"),
            ("#[hosted(skp)] pub fn f(&self) {}", "it can be `skip`"),
        ] {
            let message = refused("", &format!("impl Counter {{ {method} }}"));
            assert!(message.contains(part), "{method}: {message}");
        }
    }

    #[test]
    fn the_type_must_have_one_name() {
        assert!(refused("", "impl Debug for Counter {}").contains("not on that of a trait"));
        assert!(refused("", "impl<T> Counter<T> {}").contains("has no parameters"));
        assert!(refused("", "impl Counter<i64> {}").contains("has no parameters"));
        assert!(refused("", "impl [Counter] {}").contains("a struct or enum"));
        assert!(refused("nme = \"c\"", "impl Counter {}").contains("it can be `name"));
    }

    #[test]
    fn what_is_not_meant_to_be_called_is_left_alone() {
        let item = "impl Counter {
            const LIMIT: i64 = 5;
            fn private<T>(self, it: T) {}
            pub(crate) fn nearly(&self, it: &mut i64) {}
            pub fn without_self(it: &mut i64) -> i64 { *it }
            #[hosted(skip)] pub async fn skipped(self) {}
            pub fn exposed(&self) {}
        }";
        let tokens = expand(TokenStream::new(), parse_str(item).unwrap()).unwrap().to_string();
        assert!(tokens.contains("& [\"exposed\"]"), "{tokens}");
        assert!(!tokens.contains("# [hosted"), "{tokens}");
    }
}
