import COpenSSL
import CZlib

/// Checksums, keyed digests and randomness, all from OpenSSL and zlib.
package enum Digests {
    /// The system's random source failed; nothing secret can be made.
    package struct NoRandomness: Error, CustomStringConvertible {
        package var description: String { "OpenSSL has no random numbers: the system's random source is not readable" }
    }

    /// `count` unpredictable bytes.
    package static func random(_ count: Int) throws(NoRandomness) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw NoRandomness() }
        return bytes
    }

    /// `count` unpredictable bytes as twice as many hexadecimal digits.
    package static func randomHex(_ count: Int) throws(NoRandomness) -> String { hex(try random(count)) }

    package static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// HMAC-SHA256 (RFC 2104), 32 bytes.
    package static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var size: UInt32 = 32
        HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &digest, &size)
        return digest
    }

    /// SHA-1, 20 bytes: for `mysql_native_password` alone.
    package static func sha1(_ message: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 20)
        SHA1(message, message.count, &digest)
        return digest
    }

    /// Compares without telling by its duration where the two differ.
    package static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
        a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0
    }

    /// Continues zlib's CRC-32 over more bytes; begin with 0.
    package static func crc32(_ checksum: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var value = UInt(checksum)
        var rest = bytes
        while !rest.isEmpty {
            let part = min(rest.count, 1 << 30)
            value = CZlib.crc32(value, rest.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(part))
            rest = UnsafeRawBufferPointer(rebasing: rest[part...])
        }
        return UInt32(truncatingIfNeeded: value)
    }

    /// The check a MariaDB server makes of `mysql_native_password`: `response` must be SHA1(p) xor SHA1(salt + SHA1(SHA1(p))).
    package static func verifiesNativePassword(_ password: [UInt8], salt: [UInt8], response: [UInt8]) -> Bool {
        guard response.count == 20 else { return password.isEmpty && response.isEmpty }
        let once = sha1(password)
        let mask = sha1(salt + sha1(once))
        return equal(response, zip(once, mask).map { $0 ^ $1 })
    }
}
