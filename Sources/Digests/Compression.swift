import CZlib

/// zlib's compression of whole byte strings.
package enum Compression {
    /// zlib can't make more of one byte than this, so a claim beyond it is a lie.
    private static let ratioMax = 1032

    /// Compressed at zlib's fastest level; nil when that would save nothing.
    package static func deflated(_ bytes: UnsafeRawBufferPointer) -> [UInt8]? {
        guard bytes.count > 64 else { return nil }
        var count = UInt(bytes.count - 1)
        var failed = false
        let out = [UInt8](unsafeUninitializedCapacity: bytes.count) { room, done in
            failed =
                compress2(room.baseAddress, &count, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt(bytes.count), Z_BEST_SPEED) != Z_OK
            done = failed ? 0 : Int(count)
        }
        return failed ? nil : out
    }

    /// The bytes that were compressed, which must be `count`; nil when they are not, or the input is damaged.
    package static func inflated(_ bytes: [UInt8], count: Int) -> [UInt8]? {
        guard count > 0, count <= bytes.count * ratioMax else { return nil }
        var got = UInt(count)
        var failed = false
        let out = [UInt8](unsafeUninitializedCapacity: count) { room, done in
            failed = uncompress(room.baseAddress, &got, bytes, UInt(bytes.count)) != Z_OK || got != UInt(count)
            done = failed ? 0 : count
        }
        return failed ? nil : out
    }
}
