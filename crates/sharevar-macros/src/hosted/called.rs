//! The code by which a host calls a method.

use super::argument::{self, Argument};
use super::method::{Method, Receiver};
use super::returned::Returned;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt;

impl Method {
    /// The arm of a `match` by which a host calls it.
    pub(super) fn called(&self) -> TokenStream {
        let Self { conditions, name, receiver, returned, .. } = self;
        let wire_name = self.wire_name();
        let (mut names, mut places, mut types, mut passed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for argument in &self.arguments {
            match argument {
                Argument::Caller => passed.push(quote! { call.caller() }),
                Argument::Sent { name, ty } => {
                    // Names of the program's own must not be hidden by ours.
                    let place = format_ident!("argument_{}", places.len());
                    names.push(name.unraw().to_string());
                    types.push(argument::received(ty));
                    passed.push(argument::passed(ty, &place));
                    places.push(place);
                }
            }
        }
        let read = if names.is_empty() {
            quote! { call.no_arguments()?; }
        } else {
            quote! {
                let mut ordered = ::std::option::Option::None;
                let (#(#places,)*): (#(#types,)*) = call.arguments(&[#(#names),*], &mut ordered)?;
            }
        };
        let outcome = quote! { ::sharevar::hosted::macro_support::Fallible::into_result(result) };
        let run = match (receiver, returned) {
            (Receiver::None, returned) if returned.is_fallible() => quote! {
                let result = Self::#name(#(#passed),*);
                match #outcome {
                    Ok(object) => Ok(::std::option::Option::Some(object)),
                    Err(error) => call.raised(&error).map(|()| ::std::option::Option::None),
                }
            },
            (Receiver::None, _) => quote! { Ok(::std::option::Option::Some(Self::#name(#(#passed),*))) },
            (_, returned) => {
                let (guard, this) = if *receiver == Receiver::Exclusive {
                    (quote! { let mut guard = object.write_for(&call)?; }, quote! { &mut *guard })
                } else {
                    (quote! { let guard = object.read_for(&call)?; }, quote! { &*guard })
                };
                let result = quote! { #guard let result = Self::#name(#this #(, #passed)*); };
                match returned {
                    // Encoded after the object's lock is released.
                    Returned::Plain(_) => quote! { #result drop(guard); call.returned(&result) },
                    Returned::Behind(_) => quote! { #result call.returned(result) },
                    Returned::ByReference(_) => quote! {
                        #result
                        drop(guard);
                        ::sharevar::hosted::macro_support::ByReference::export(result, call)
                    },
                    Returned::Fallible(_) => quote! {
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
        // A client that knows one constructor of a type only, as Python does, calls this one.
        let or_unnamed = (*receiver == Receiver::None && wire_name == "new").then(|| quote! { | "" });
        quote! {
            #(#conditions)*
            #wire_name #or_unnamed => {
                #read
                #run
            }
        }
    }
}
