//! A commit decodes to what was encoded or not at all.

use proptest::prelude::*;
use rowgate_store::{
    Change, Commit, DecodeError, EnvironmentId, Revision, Warrant, WarrantKey, decode_commit, encode_commit,
};

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z:*#@]{0,12}", any::<String>(), Just("é".repeat(200))]
}

prop_compose! {
    fn key()(
        resource_type in text(), resource_id in text(), relation in text(), subject_type in text(),
        subject_id in text(), subject_relation in proptest::option::of(text()), policy in proptest::option::of(text()),
    ) -> WarrantKey {
        WarrantKey { resource_type, resource_id, relation, subject_type, subject_id, subject_relation, policy }
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        text().prop_map(|json| Change::Schema { json }),
        (text(), text(), proptest::option::of(text()), any::<i64>()).prop_map(
            |(resource_type, resource_id, meta, created_at)| Change::PutResource {
                resource_type,
                resource_id,
                meta,
                created_at
            }
        ),
        (text(), text()).prop_map(|(resource_type, resource_id)| Change::DeleteResource {
            resource_type,
            resource_id
        }),
        (key(), any::<i64>())
            .prop_map(|(key, created_at)| Change::CreateWarrant(Warrant { key, created_at })),
        key().prop_map(Change::DeleteWarrant),
        text().prop_map(|entry| Change::Audit { entry }),
    ]
}

prop_compose! {
    fn commit()(
        environment in any::<u32>(), revision in any::<u64>(), at in any::<i64>(),
        changes in proptest::collection::vec(change(), 0..8),
    ) -> Commit {
        Commit { environment: EnvironmentId(environment), revision: Revision::from_u64(revision), at, changes }
    }
}

fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

proptest! {
    #[test]
    fn decoding_gives_back_what_was_encoded(commit in commit()) {
        prop_assert_eq!(decode_commit(&encode_commit(&commit)), Ok(commit));
    }

    #[test]
    fn any_flipped_bit_is_recognised(commit in commit(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = encode_commit(&commit);
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        prop_assert_eq!(decode_commit(&bytes), Err(DecodeError::Checksum));
    }

    #[test]
    fn any_cut_is_recognised(commit in commit(), at in any::<prop::sample::Index>()) {
        let bytes = encode_commit(&commit);
        prop_assert!(decode_commit(&bytes[..at.index(bytes.len())]).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_refused_calmly(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode_commit(&bytes);
    }

    /// With the right checksum, so that every step of decoding is reached. What decodes is the one encoding
    /// of it.
    #[test]
    fn arbitrary_sealed_bytes_are_refused_calmly(mut bytes in proptest::collection::vec(any::<u8>(), 1..300)) {
        bytes[0] = 1;
        let bytes = seal(bytes);
        if let Ok(commit) = decode_commit(&bytes) {
            prop_assert_eq!(encode_commit(&commit), bytes);
        }
    }

    #[test]
    fn damaged_encodings_with_the_right_checksum_are_refused_calmly(
        commit in commit(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = encode_commit(&commit);
        bytes.truncate(bytes.len() - 4);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let bytes = seal(bytes);
        if let Ok(commit) = decode_commit(&bytes) {
            prop_assert_eq!(encode_commit(&commit), bytes);
        }
    }
}

#[test]
fn a_newer_version_is_told_from_damage() {
    assert_eq!(decode_commit(&seal(vec![2, 1, 1])), Err(DecodeError::Version(2)));
    assert_eq!(decode_commit(&[]), Err(DecodeError::Checksum));
}

/// The bytes on disk, which no later version may read in another way.
#[test]
fn the_encoding_stays_as_it_is() {
    let key = WarrantKey {
        resource_type: "t".into(),
        resource_id: "1".into(),
        relation: "r".into(),
        subject_type: "u".into(),
        subject_id: "a".into(),
        subject_relation: Some("m".into()),
        policy: None,
    };
    let commit = Commit {
        environment: EnvironmentId(1),
        revision: Revision::from_u64(300),
        at: 2,
        changes: vec![Change::CreateWarrant(Warrant { key, created_at: -1 })],
    };
    #[rustfmt::skip]
    let expected = seal(vec![
        1,                          // version
        1,                          // environment
        0xac, 0x02,                 // revision 300
        2, 0, 0, 0, 0, 0, 0, 0,     // at
        1,                          // one change
        4,                          // create warrant
        1, b't', 1, b'1', 1, b'r', 1, b'u', 1, b'a',
        1, 1, b'm',                 // subject relation
        0,                          // no policy
        255, 255, 255, 255, 255, 255, 255, 255,
    ]);
    assert_eq!(encode_commit(&commit), expected);
}
