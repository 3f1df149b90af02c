//! The methods of a proxy, and those of a proxy in a batch.

use super::argument::Argument;
use super::method::{Method, Receiver};
use proc_macro2::TokenStream;
use quote::quote;

impl Method {
    /// The proxy's method.
    pub(super) fn caller(&self) -> TokenStream {
        let Self { name, receiver, returned, .. } = self;
        let (head, wire_name, arguments, sent) = self.parts();
        let support = quote! { ::sharevar::hosted::macro_support };
        let (given, error) = returned.given();
        if *receiver == Receiver::None {
            let create = if returned.is_fallible() {
                quote! { try_create }
            } else {
                quote! { create }
            };
            // `Self` is the proxy here; only the error's type is taken from what is returned.
            return quote! {
                #head
                pub fn #name(
                    client: &::sharevar::hosted::Client #(, #arguments)*
                ) -> ::sharevar::hosted::Result<Self, #error> {
                    #support::#create(client, #wire_name, #sent)
                }
            };
        }
        let (call, on) = returned.call();
        quote! {
            #head
            pub fn #name(&self #(, #arguments)*) -> ::sharevar::hosted::Result<#given, #error> {
                #call(#on #wire_name, #sent)
            }
        }
    }

    /// The method of the batch's proxy. A constructor has none.
    pub(super) fn deferred(&self) -> Option<TokenStream> {
        if self.receiver == Receiver::None {
            return None;
        }
        let Self { name, returned, .. } = self;
        let (head, wire_name, arguments, sent) = self.parts();
        let (given, error) = returned.given();
        let (call, on) = returned.defer();
        Some(quote! {
            #head
            pub fn #name(&mut self #(, #arguments)*) -> ::sharevar::hosted::Outcome<#given, #error> {
                #call(#on self.proxy, #wire_name, #sent)
            }
        })
    }

    /// The attributes before it, its name, its arguments, and these as they are sent.
    fn parts(&self) -> (TokenStream, String, Vec<TokenStream>, TokenStream) {
        let Self { conditions, described, .. } = self;
        let head = quote! { #(#conditions)* #(#described)* };
        let sent = self.arguments.iter().filter_map(|argument| match argument {
            Argument::Sent { name, ty } => Some((name, ty)),
            Argument::Caller => None,
        });
        let names: Vec<_> = sent.clone().map(|(name, _)| name).collect();
        let arguments = sent.map(|(name, ty)| quote! { #name: #ty }).collect();
        (head, self.wire_name(), arguments, quote! { &(#(&#names,)*) })
    }
}
