use super::MAX_TEXT;
use crate::ndr::{Reader, Result, Text, Writer};

/// `QUERY_SERVICE_CONFIGW` ([MS-SCMR] 2.2.15).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigRecord {
    /// `dwServiceType`.
    pub service_type: u32,
    /// `dwStartType`.
    pub start_type: u32,
    /// `dwErrorControl`.
    pub error_control: u32,
    /// `lpBinaryPathName`.
    pub image_path: Option<String>,
    /// `lpLoadOrderGroup`.
    pub load_order_group: Option<String>,
    /// `dwTagId`.
    pub tag: u32,
    /// `lpDependencies`: names, each ended by `/`, which no name contains. A list with zero characters between the names, as the structure
    /// has it in memory, would end at the first of them when it is sent as a string.
    pub dependencies: Option<String>,
    /// `lpServiceStartName`.
    pub account: Option<String>,
    /// `lpDisplayName`.
    pub display_name: Option<String>,
}

impl ConfigRecord {
    fn texts(&self) -> [&Option<String>; 5] {
        [&self.image_path, &self.load_order_group, &self.dependencies, &self.account, &self.display_name]
    }

    /// The size in bytes that Windows counts: the structure with pointers of eight bytes, and the strings.
    pub(crate) fn size(&self, form: Text) -> usize {
        const STRUCTURE: usize = 64;
        let texts = self.texts().into_iter().flatten();
        STRUCTURE + texts.map(|text| form.size(text)).sum::<usize>()
    }

    /// [MS-SCMR] 2.2.15: the fields, then what they point to.
    pub(crate) fn write(&self, w: &mut Writer) {
        w.u32(self.service_type); // dwServiceType
        w.u32(self.start_type); // dwStartType
        w.u32(self.error_control); // dwErrorControl
        w.pointer(self.image_path.is_some()); // lpBinaryPathName
        w.pointer(self.load_order_group.is_some()); // lpLoadOrderGroup
        w.u32(self.tag); // dwTagId
        w.pointer(self.dependencies.is_some()); // lpDependencies
        w.pointer(self.account.is_some()); // lpServiceStartName
        w.pointer(self.display_name.is_some()); // lpDisplayName
        for text in self.texts().into_iter().flatten() {
            w.string(text);
        }
    }

    /// [MS-SCMR] 2.2.15: the fields, then what they point to.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self> {
        let (service_type, start_type, error_control) = (r.u32()?, r.u32()?, r.u32()?);
        let (image_path, load_order_group) = (r.pointer()?, r.pointer()?);
        let tag = r.u32()?;
        let (dependencies, account, display_name) = (r.pointer()?, r.pointer()?, r.pointer()?);
        let mut text = |present: bool, what| {
            if present { r.string(what, MAX_TEXT).map(Some) } else { Ok(None) }
        };
        Ok(Self {
            service_type,
            start_type,
            error_control,
            image_path: text(image_path, "lpBinaryPathName")?,
            load_order_group: text(load_order_group, "lpLoadOrderGroup")?,
            tag,
            dependencies: text(dependencies, "lpDependencies")?,
            account: text(account, "lpServiceStartName")?,
            display_name: text(display_name, "lpDisplayName")?,
        })
    }
}
