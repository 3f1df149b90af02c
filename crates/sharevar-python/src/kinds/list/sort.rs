//! Sorting a shared list.

use crate::errors::OrRaise;
use crate::fast_access;
use crate::kinds::list::List;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyInt, PyList, PyString};
use sharevar::Content;
use std::cmp::Ordering;
use std::collections::HashMap;

/// The most encodings whose objects are made once each.
const MOST_DIFFERENT: usize = 1024;
/// Items with so few encodings, members of an enumeration for example, are sorted by the order of these,
/// each of which is compared to each other.
const FEW: usize = 32;

/// Sorts in place. Items that are compared by their own class alone are compared in place; the rest, and
/// the keys, here on a copy, while others may read the list.
pub(crate) fn sort(list: &Bound<'_, List>, key: Option<&Bound<'_, PyAny>>, reverse: bool) -> PyResult<()> {
    let (py, raw) = (list.py(), list.get().any());
    if key.is_none()
        && let Some(raw) = list.get().shm()
        && raw.sort(reverse).or_raise()?
    {
        return Ok(());
    }
    let mut attempts = list.get().attempts();
    let mut own_changes = 0;
    loop {
        py.check_signals()?;
        let (contents, stamp) = raw.snapshot().or_raise()?;
        let order = match key {
            None => order_of_items(list, contents, reverse)?,
            Some(key) => {
                let items = List::objects(list, contents)?;
                let keys = items.iter().map(|item| key.call1((item,)));
                order_of(&PyList::new(py, keys.collect::<PyResult<Vec<_>>>()?)?, reverse)?
            }
        };
        if raw.reorder(&order, stamp).or_raise()? {
            return Ok(());
        }
        // Under the long lock the keys' code has done it; but the death of another process may
        // count as a change, too, once.
        own_changes += u32::from(attempts.has_lock());
        if own_changes == 2 {
            return Err(PyValueError::new_err("list modified during sort"));
        }
        attempts.fail().or_raise()?;
    }
}

/// Where in a list each of its objects comes from that is sorted: place `n` of the sorted list gets that
/// at the index which is at place `n` here.
fn order_of(objects: &Bound<'_, PyList>, reverse: bool) -> PyResult<Vec<u64>> {
    if let Some(order) = order_of_scalars(objects, reverse) {
        return Ok(order);
    }
    let py = objects.py();
    let order = PyList::new(py, 0..objects.len())?;
    let arguments = PyDict::new(py);
    arguments.set_item(intern!(py, "key"), objects.getattr(intern!(py, "__getitem__"))?)?;
    arguments.set_item(intern!(py, "reverse"), reverse)?;
    order.call_method(intern!(py, "sort"), (), Some(&arguments))?;
    order.extract()
}

/// The same of objects that are all ints of 64 bits, all floats but NaN, or all strs.
fn order_of_scalars(objects: &Bound<'_, PyList>, reverse: bool) -> Option<Vec<u64>> {
    let first = objects.get_item(0).ok()?;
    if first.is_exact_instance_of::<PyInt>() {
        let int = |object: Bound<'_, PyAny>| {
            if object.is_exact_instance_of::<PyInt>() { object.extract::<i64>().ok() } else { None }
        };
        return Some(sorted(objects.iter().map(int).collect::<Option<_>>()?, reverse, Ord::cmp));
    }
    if first.is_exact_instance_of::<PyFloat>() {
        let float = |object: Bound<'_, PyAny>| {
            let float = object.cast_exact::<PyFloat>().ok()?.value();
            (!float.is_nan()).then_some(float)
        };
        let by_value = |left: &f64, right: &f64| left.partial_cmp(right).unwrap_or(Ordering::Equal);
        return Some(sorted(objects.iter().map(float).collect::<Option<_>>()?, reverse, by_value));
    }
    let texts = objects.iter().map(|object| object.cast_into_exact::<PyString>().ok());
    let texts = texts.collect::<Option<Vec<_>>>()?;
    // The order of characters is that of their bytes.
    Some(sorted(texts.iter().map(fast_access::text).collect::<Option<_>>()?, reverse, Ord::cmp))
}

/// The same of keys with this order.
fn sorted<K>(keys: Vec<K>, reverse: bool, compare: impl Fn(&K, &K) -> Ordering) -> Vec<u64> {
    let mut keys: Vec<(K, u64)> = keys.into_iter().zip(0..).collect();
    keys.sort_by(|(left, _), (right, _)| if reverse { compare(right, left) } else { compare(left, right) });
    keys.into_iter().map(|(_, index)| index).collect()
}

/// The order of the items of a list, as [`order_of`] gives it.
fn order_of_items(list: &Bound<'_, List>, contents: Vec<Content>, reverse: bool) -> PyResult<Vec<u64>> {
    if let Some((different, numbers)) = repeated(&contents) {
        let different = different.into_iter().map(|index| contents[index].clone()).collect::<Vec<_>>();
        let objects = List::objects(list, different)?;
        if objects.len() <= FEW.min(contents.len() / 2)
            && let Some(ranks) = ranks(&objects)?
        {
            return Ok(sorted(numbers.into_iter().map(|number| ranks[number]).collect(), reverse, Ord::cmp));
        }
        let objects = numbers.into_iter().map(|number| objects.get_item(number));
        return order_of(&PyList::new(list.py(), objects.collect::<PyResult<Vec<_>>>()?)?, reverse);
    }
    order_of(&List::objects(list, contents)?, reverse)
}

/// The indices of the encodings that differ, and for each item the number of its encoding among these;
/// `None` if there are many.
fn repeated(contents: &[Content]) -> Option<(Vec<usize>, Vec<usize>)> {
    let (mut known, mut different) = (HashMap::new(), Vec::new());
    let mut numbers = Vec::with_capacity(contents.len());
    for (index, content) in contents.iter().enumerate() {
        let Content::Bytes(bytes, _) = content else { return None };
        let number = *known.entry(&bytes[..]).or_insert_with(|| {
            different.push(index);
            different.len() - 1
        });
        if different.len() > MOST_DIFFERENT {
            return None;
        }
        numbers.push(number);
    }
    Some((different, numbers))
}

/// The place of each object among them, each of which stands for several; `None` if one that comes before
/// another is not less, or one is less than itself. Of sets it need not be so, for example.
fn ranks(objects: &Bound<'_, PyList>) -> PyResult<Option<Vec<usize>>> {
    let order = order_of(objects, false)?;
    let mut ranks = vec![0; order.len()];
    for (rank, index) in order.iter().enumerate() {
        ranks[*index as usize] = rank;
        let less = objects.get_item(*index as usize)?;
        if less.lt(&less)? {
            return Ok(None);
        }
        for greater in &order[rank + 1..] {
            if !less.lt(objects.get_item(*greater as usize)?)? {
                return Ok(None);
            }
        }
    }
    Ok(Some(ranks))
}
