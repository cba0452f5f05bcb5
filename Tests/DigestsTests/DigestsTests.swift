import Digests
import Testing

@Suite
struct DigestsTests {
    private func bytes(_ hex: String) -> [UInt8] {
        let digits = Array(hex.utf8)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) }
    }

    /// Keys, messages and digests of RFC 4231.
    @Test(
        arguments: [
            (
                [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                Array(1...25), [UInt8](repeating: 0xcd, count: 50),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
        ] as [([UInt8], [UInt8], String)])
    func `HMAC-SHA256 is that of RFC 4231`(_ key: [UInt8], _ message: [UInt8], _ digest: String) {
        #expect(Digests.hex(Digests.hmacSHA256(key: key, message)) == digest)
    }

    @Test(arguments: [
        ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
    ])
    func `SHA-1 is that of RFC 3174`(_ message: String, _ digest: String) {
        #expect(Digests.hex(Digests.sha1(Array(message.utf8))) == digest)
    }

    @Test func `CRC-32 has its check value, in one piece or in many`() {
        let message = Array("123456789".utf8)
        let whole = message.withUnsafeBytes { Digests.crc32(0, $0) }
        let pieces = message.reduce(UInt32(0)) { crc, byte in [byte].withUnsafeBytes { Digests.crc32(crc, $0) } }
        #expect(whole == 0xcbf4_3926 && pieces == whole)
        #expect([UInt8]().withUnsafeBytes { Digests.crc32(whole, $0) } == whole)
    }

    /// Of the empty input the value is published with XXH3 (XXH_VERSION 0.8, seed 0).
    @Test func `a stream's hash is XXH3's, in one piece or in many, and another for another order`() {
        #expect(Digests.hex(StreamHash().value()) == "99aa06d3014798d86001c324468d497f")
        let message = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
        func hash(_ pieces: [ArraySlice<UInt8>]) -> [UInt8] {
            let hash = StreamHash()
            for piece in pieces { piece.withUnsafeBytes { hash.update($0) } }
            return hash.value()
        }
        let whole = hash([message[...]])
        #expect(whole.count == 16 && hash([message[..<70_001], message[70_001...]]) == whole)
        #expect(hash([message[70_001...], message[..<70_001]]) != whole)
    }

    @Test func `equal means every byte`() {
        let secret = [UInt8](0..<32)
        #expect(Digests.equal(secret, secret) && Digests.equal([], []))
        #expect(!Digests.equal(secret, Array(secret.dropLast())) && !Digests.equal([], [0]))
        for index in secret.indices {
            var other = secret
            other[index] ^= 0x80
            #expect(!Digests.equal(secret, other))
        }
    }

    @Test func `a native password's response is checked as the server does`() {
        // SHA1(SHA1('secret')) is what MariaDB's PASSWORD('secret') shows.
        #expect(Digests.hex(Digests.sha1(Digests.sha1(Array("secret".utf8)))) == "14e65567abdb5135d0cfd9a70b3032c179a49ee7")
        let salt = [UInt8](1...20)
        let once = Digests.sha1(Array("secret".utf8))
        let response = zip(once, Digests.sha1(salt + Digests.sha1(once))).map { $0 ^ $1 }
        #expect(Digests.verifiesNativePassword(Array("secret".utf8), salt: salt, response: response))
        #expect(!Digests.verifiesNativePassword(Array("Secret".utf8), salt: salt, response: response))
        #expect(!Digests.verifiesNativePassword(Array("secret".utf8), salt: [UInt8](2...21), response: response))
        #expect(!Digests.verifiesNativePassword(Array("secret".utf8), salt: salt, response: Array(response.dropLast())))
        #expect(!Digests.verifiesNativePassword(Array("secret".utf8), salt: salt, response: []))
        #expect(Digests.verifiesNativePassword([], salt: salt, response: []))
        #expect(!Digests.verifiesNativePassword([], salt: salt, response: response))
    }

    @Test func `random bytes differ, and come in the number asked for`() throws {
        let made = try (0..<100).map { _ in try Digests.random(16) }
        #expect(Set(made).count == 100 && made.allSatisfy { $0.count == 16 })
        #expect(try Digests.randomHex(16).count == 32)
        #expect(try Digests.random(0).isEmpty)
    }

    @Test func `hexadecimal digits are lower case, two a byte`() {
        #expect(Digests.hex([0x00, 0x0f, 0xa0, 0xff]) == "000fa0ff")
        #expect(bytes("000fa0ff") == [0x00, 0x0f, 0xa0, 0xff])
    }
}

@Suite struct CompressionTests {
    private func pack(_ bytes: [UInt8]) -> [UInt8]? { bytes.withUnsafeBytes { Compression.deflated($0) } }

    @Test func `bytes come back as they were`() throws {
        for bytes in [[UInt8](repeating: 7, count: 1_000_000), (0..<5000).map { UInt8(truncatingIfNeeded: $0 / 3) }] {
            let packed = try #require(pack(bytes))
            #expect(packed.count < bytes.count / 2)
            #expect(Compression.inflated(packed, count: bytes.count) == bytes)
        }
    }

    @Test func `what can't be made smaller is left alone`() throws {
        #expect(pack([]) == nil)
        #expect(pack([UInt8](repeating: 1, count: 64)) == nil)
        #expect(pack(try Digests.random(10_000)) == nil)
    }

    @Test func `damage and lies about the length are found`() throws {
        let bytes = [UInt8](repeating: 7, count: 10_000)
        var packed = try #require(pack(bytes))
        for count in [0, -1, 9999, 10_001, 1 << 40] { #expect(Compression.inflated(packed, count: count) == nil, "\(count)") }
        #expect(Compression.inflated(Array(packed.dropLast()), count: 10_000) == nil)
        #expect(Compression.inflated([], count: 10_000) == nil)
        packed[packed.count / 2] ^= 0x55
        #expect(Compression.inflated(packed, count: 10_000) != bytes)
    }
}
