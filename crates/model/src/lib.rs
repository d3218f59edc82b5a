//! Words shared by two or more domains: typed ids, time, secrets, sizes, labels and samples.
//!
//! Nothing here does I/O; the only outside world it knows is the system clock behind [`Clock`].

mod causes;
mod clock;
mod id;
mod labels;
mod page;
mod quantity;
mod sample;
mod secret;

pub use causes::with_causes;
pub use clock::{Clock, ManualClock, SystemClock, TimestampMs, format_rfc3339};
pub use id::{
    AgentId, AlertId, ChannelId, CloudAccountId, CloudOrderId, EnrolmentTokenId, InhibitionId,
    InvitationId, MaintenanceWindowId, ParseIdError, ProbeId, SessionId, SilenceId, TokenId,
    UserId,
};
pub use labels::{InvalidLabel, Labels, METRIC_NAME, is_valid_label_name, is_valid_metric_name};
pub use page::{DEFAULT_PAGE_SIZE, InvalidPage, MAX_PAGE, MAX_PAGE_SIZE, Page, PageRequest, Sort};
pub use quantity::{ByteSize, HumanDuration, ParseQuantityError};
pub use sample::{STALE_NAN_BITS, Sample, TimeSeries, is_stale, stale_nan};
pub use secret::Secret;
