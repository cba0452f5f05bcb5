/// Bytes that must not be shown: the cluster's secret, a password. Printing one, in whatever way, gives only its length.
package struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The most bytes of a secret or password.
    package static let bytesMax = 1024

    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    package var description: String { "(hidden, \(bytes.count) bytes)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// A file with nothing but a secret in it, which only its owner may open.
package enum SecretFile {
    /// Why a secret can't be taken from a file, in words.
    package struct Refusal: Error, Equatable, CustomStringConvertible {
        package let description: String

        package init(description: String) { self.description = description }
    }

    /// The file's bytes without the line break at the end.
    ///
    /// Refuses a file of another user, one that others than its owner may read or write, and one that is empty or longer than `Secret.bytesMax`.
    package static func read(_ path: String) throws(Refusal) -> Secret {
        let content: FileContent
        do throws(FileContent.Failure) {
            content = try FileContent.read(path, bytesMax: Secret.bytesMax + 2)
        } catch {
            throw Refusal(description: "\(quoted(path)) \(error.words)")
        }
        guard !content.isOpenToOthers else {
            throw Refusal(description: "\(quoted(path)) may be opened by others than its owner: chmod 600 it")
        }
        guard !content.isOthers else {
            throw Refusal(description: "\(quoted(path)) belongs to another user: chown it to the one that the node runs as")
        }
        var bytes = content.bytes
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        guard (1...Secret.bytesMax).contains(bytes.count) else {
            throw Refusal(description: "\(quoted(path)) must hold 1 to \(Secret.bytesMax) bytes, holds \(bytes.count)")
        }
        return Secret(bytes: bytes)
    }
}
