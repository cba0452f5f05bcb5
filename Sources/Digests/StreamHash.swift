import CXXHash

/// XXH3, 128 bits wide, of bytes that come piece by piece; one thread at a time may use it.
///
/// It finds what got lost, changed or mixed up on the way, at a small part of what a cryptographic digest costs; it stops nobody who forges.
/// Source: https://github.com/Cyan4973/xxHash
package final class StreamHash: @unchecked Sendable {
    private let state: OpaquePointer?
    private var isRight: Bool

    package init() {
        state = XXH3_createState()
        isRight = state != nil && XXH3_128bits_reset(state) == XXH_OK
    }

    deinit { XXH3_freeState(state) }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        if isRight, XXH3_128bits_update(state, bytes.baseAddress, bytes.count) != XXH_OK { isRight = false }
    }

    /// Of all that was fed, 16 bytes, big-endian; empty where memory was short.
    package func value() -> [UInt8] {
        guard isRight else { return [] }
        var canonical = XXH128_canonical_t()
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state))
        return withUnsafeBytes(of: canonical) { Array($0) }
    }
}
