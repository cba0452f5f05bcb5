import COpenSSL

/// SHA-256 of bytes that come piece by piece; one thread at a time may use it.
package final class SHA256Stream: @unchecked Sendable {
    private let context: OpaquePointer?
    private var isRight: Bool

    package init() {
        context = EVP_MD_CTX_new()
        isRight = context != nil && EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    }

    deinit { EVP_MD_CTX_free(context) }

    package func update(_ bytes: UnsafeRawBufferPointer) {
        if isRight, EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) != 1 { isRight = false }
    }

    /// The digest, 32 bytes, to be asked for once; empty where OpenSSL failed.
    package func value() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        guard isRight, EVP_DigestFinal_ex(context, &digest, nil) == 1 else { return [] }
        isRight = false
        return digest
    }
}
