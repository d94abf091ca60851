//! `kernels.safetensors`: the learned Markov kernel of each kept time step.
//!
//! Time step n has the tensors `step.n.layers.k.weight` (outputs×inputs) and `step.n.layers.k.bias`
//! of a ReLU network N on the row [(x − x̄)/ℓ, z], `step.n.centre` (x̄, d), `step.n.length` (ℓ) and
//! `step.n.factor` (c). The step moves a particle x ← x + c N((x − x̄)/ℓ, z): to T_θ(x, z) in the
//! backward scheme, along the scaled velocity in the forward scheme.
//!
//! The metadata has `origin`, a JSON list of d numbers: x is a particle minus the origin, about which
//! flows of data far from zero compute. It is 0 otherwise.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use nalgebra::RowDVector;
use rieszflow_flows::{GenerativeNetwork, TrainedKernel, Transport};
use rieszflow_numerics::Real;
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use serde_json::{Map, Value, json};

use super::replace;

/// Headers are refused beyond this many bytes.
const LONGEST_HEADER: u64 = 100 << 20;

/// The entry of the metadata with the point about which the flow computes.
const ORIGIN: &str = "origin";

/// The tensors of one time step: names, shapes, and where they lie.
pub struct KernelFormat {
    network: GenerativeNetwork,
    /// Bytes of a number.
    size: usize,
}

impl KernelFormat {
    /// For `network` in the precision of `T`.
    pub fn new<T: Real>(network: GenerativeNetwork) -> Self {
        Self {
            network,
            size: size_of::<T>(),
        }
    }

    /// Names and shapes in the order in which they are stored.
    fn tensors(&self, step: u64) -> Vec<(String, Vec<usize>)> {
        let mut tensors = vec![
            (format!("step.{step}.centre"), vec![self.network.dim()]),
            (format!("step.{step}.length"), vec![]),
            (format!("step.{step}.factor"), vec![]),
        ];
        for (k, layer) in self.network.network().layers().iter().enumerate() {
            let name = |part| format!("step.{step}.layers.{k}.{part}");
            tensors.push((name("weight"), vec![layer.outputs(), layer.inputs()]));
            tensors.push((name("bias"), vec![layer.outputs()]));
        }
        tensors
    }

    fn dtype(&self) -> &'static str {
        if self.size == 4 { "F32" } else { "F64" }
    }

    /// Bytes of one time step.
    pub fn bytes(&self) -> usize {
        let tensors = self.tensors(0);
        let numbers: usize = tensors
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        numbers * self.size
    }

    /// The bytes of a time step's kernel.
    ///
    /// # Panics
    /// If no time step is done yet or the kernel has another format.
    pub fn encode<T: Real>(&self, kernel: &TrainedKernel<T>) -> Vec<u8> {
        let transport = kernel.transport.as_ref();
        let transport = transport.expect("a kernel that has moved particles");
        let mut bytes = Vec::with_capacity(self.bytes());
        let mut push = |value: T| value.put_le_bytes(&mut bytes);
        transport.centre().iter().copied().for_each(&mut push);
        push(transport.scale());
        push(transport.unit());
        for layer in self.network.network().layers() {
            let weight = layer.weight(&kernel.parameters);
            weight
                .row_iter()
                .for_each(|row| row.iter().copied().for_each(&mut push));
            layer
                .bias(&kernel.parameters)
                .iter()
                .copied()
                .for_each(&mut push);
        }
        assert_eq!(bytes.len(), self.bytes(), "a kernel of this format");
        bytes
    }

    fn decode<T: Real>(&self, bytes: &[u8]) -> (Vec<T>, Transport<T>) {
        let mut numbers = bytes.chunks_exact(self.size).map(T::from_le_slice);
        let mut next = || numbers.next().unwrap_or_else(T::zero);
        let centre = RowDVector::from_fn(self.network.dim(), |_, _| next());
        let (scale, unit) = (next(), next());
        let network = self.network.network();
        let mut parameters = vec![T::zero(); network.parameter_count()];
        for layer in network.layers() {
            let mut weight = layer.weight_mut(&mut parameters);
            for mut row in weight.row_iter_mut() {
                row.iter_mut().for_each(|entry| *entry = next());
            }
            layer
                .bias_mut(&mut parameters)
                .iter_mut()
                .for_each(|entry| *entry = next());
        }
        let transport = Transport::new(self.network.clone(), centre, scale, unit);
        (parameters, transport)
    }

    /// The kernels in the bytes of [`encode`](Self::encode), one after the other.
    pub(crate) fn read_appended<'b, T: Real>(
        &'b self,
        bytes: &'b [u8],
    ) -> impl Iterator<Item = (Vec<T>, Transport<T>)> + 'b {
        bytes
            .chunks_exact(self.bytes())
            .map(|bytes| self.decode(bytes))
    }

    fn header(&self, steps: &[u64], origin: &RowDVector<f64>) -> Vec<u8> {
        let origin: Vec<f64> = origin.iter().copied().collect();
        // The values of metadata are text.
        let metadata = json!({ ORIGIN: json!(origin).to_string() });
        let mut header = Map::from_iter([("__metadata__".to_owned(), metadata)]);
        let mut start = 0;
        for (name, shape) in steps.iter().flat_map(|&step| self.tensors(step)) {
            let end = start + shape.iter().product::<usize>() * self.size;
            let info = json!({
                "dtype": self.dtype(), "shape": shape, "data_offsets": [start, end]
            });
            header.insert(name, info);
            start = end;
        }
        let mut text = Value::Object(header).to_string().into_bytes();
        // Data begins at a multiple of eight bytes.
        text.resize(text.len().next_multiple_of(8), b' ');
        text
    }
}

/// Writes the file from the kernels of `steps`, one after the other in the file `data`, of a flow that
/// computes about `origin`.
///
/// # Errors
/// What the operating system reports.
pub fn write_kernels(
    path: &Path,
    format: &KernelFormat,
    steps: &[u64],
    origin: &RowDVector<f64>,
    data: &Path,
) -> io::Result<()> {
    let mut data = File::open(data)?;
    replace(path, |file| {
        let header = format.header(steps, origin);
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        io::copy(&mut data, file)?;
        Ok(())
    })
}

/// Why kernels could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct KernelFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, and what is expected.
    pub reason: String,
}

/// An open `kernels.safetensors`.
pub struct KernelFile {
    path: PathBuf,
    format: KernelFormat,
    file: BufReader<File>,
    metadata: Metadata,
    /// Where the header ends.
    data: u64,
}

impl KernelFile {
    /// Opens the file and checks that it is whole.
    ///
    /// # Errors
    /// If it cannot be read, is no safetensors file, or is cut short.
    pub fn open(path: &Path, format: KernelFormat) -> Result<Self, KernelFileError> {
        let fail = |reason: String| KernelFileError {
            path: path.to_owned(),
            reason,
        };
        let file = File::open(path).map_err(|error| fail(error.to_string()))?;
        let len = file
            .metadata()
            .map_err(|error| fail(error.to_string()))?
            .len();
        let mut file = BufReader::new(file);
        let (metadata, data) = read_header(&mut file, len).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            format,
            file,
            metadata,
            data,
        })
    }

    /// The point about which the flow computes.
    ///
    /// # Errors
    /// If it is missing or not a point of the flow's space.
    pub fn origin(&self) -> Result<RowDVector<f64>, KernelFileError> {
        let dim = self.format.network.dim();
        let entries = self.metadata.metadata().as_ref();
        let text = entries.and_then(|entries| entries.get(ORIGIN));
        let numbers = text.and_then(|text| serde_json::from_str::<Vec<f64>>(text).ok());
        let point = numbers.filter(|numbers| numbers.len() == dim);
        point
            .map(RowDVector::from_vec)
            .ok_or_else(|| KernelFileError {
                path: self.path.clone(),
                reason: format!("expected a list of {dim} numbers as {ORIGIN} in its metadata"),
            })
    }

    /// Whether the kernel of time step `step` is there.
    pub fn has(&self, step: u64) -> bool {
        self.metadata.info(&format!("step.{step}.centre")).is_some()
    }

    /// Parameters and motion of time step `step`.
    ///
    /// # Errors
    /// If a tensor is missing, has another shape or precision than the configuration says, or
    /// cannot be read.
    pub fn read<T: Real>(&mut self, step: u64) -> Result<(Vec<T>, Transport<T>), KernelFileError> {
        let mut bytes = Vec::with_capacity(self.format.bytes());
        for (name, shape) in self.format.tensors(step) {
            let read = self.read_tensor(&name, &shape, &mut bytes);
            read.map_err(|reason| KernelFileError {
                path: self.path.clone(),
                reason: format!("tensor {name}: {reason}"),
            })?;
        }
        Ok(self.format.decode(&bytes))
    }

    fn read_tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        bytes: &mut Vec<u8>,
    ) -> Result<(), String> {
        let dtype = match self.format.size {
            4 => Dtype::F32,
            _ => Dtype::F64,
        };
        let info: &TensorInfo = self.metadata.info(name).ok_or("it is not there")?;
        if info.shape != shape || info.dtype != dtype {
            return Err(format!(
                "expected {dtype:?} of shape {shape:?}, not {:?} of shape {:?}",
                info.dtype, info.shape
            ));
        }
        let (start, end) = info.data_offsets;
        let seek = SeekFrom::Start(self.data + start as u64);
        self.file.seek(seek).map_err(|error| error.to_string())?;
        let mut tensor = (&mut self.file).take((end - start) as u64);
        tensor
            .read_to_end(bytes)
            .map_err(|error| error.to_string())?;
        Ok(())
    }
}

/// The header of a safetensors file of `len` bytes, and where it ends.
///
/// # Errors
/// What is wrong and what is expected.
pub fn read_header(file: &mut impl BufRead, len: u64) -> Result<(Metadata, u64), String> {
    let mut prefix = [0; 8];
    let whole = file.read_exact(&mut prefix);
    whole.map_err(|_| "expected a safetensors file, which begins with 8 bytes of length")?;
    let header_len = u64::from_le_bytes(prefix);
    let data = header_len.saturating_add(8);
    if header_len > LONGEST_HEADER || data > len {
        return Err(format!(
            "expected a safetensors file; its header cannot have {header_len} bytes in a file of {len}"
        ));
    }
    let mut header = Vec::new();
    let read = file.take(header_len).read_to_end(&mut header);
    read.map_err(|error| error.to_string())?;
    let metadata: Metadata = serde_json::from_slice(&header)
        .map_err(|error| format!("its safetensors header is not valid: {error}"))?;
    let ends = metadata
        .tensors()
        .values()
        .map(|info| info.data_offsets.1 as u64)
        .max();
    let expected = data.saturating_add(ends.unwrap_or(0));
    if expected != len {
        return Err(format!(
            "expected {expected} bytes from its header, and the file has {len}"
        ));
    }
    Ok((metadata, data))
}
