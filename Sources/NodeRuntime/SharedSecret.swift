import Digests
import EventLoop
import Glibc
import NodeConfig

/// The secret that nodes of one user on one machine share: made by the first that starts.
enum SharedSecret {
    /// Why there is none, and what to do.
    struct Problem: Error {
        let words: String
    }

    /// The same settings, with the secret from the file that they name; made there where it is not there yet.
    static func provide(_ settings: NodeSettings, log: NodeLog) throws(Problem) -> NodeSettings {
        guard settings.cluster.secret == nil, let path = settings.cluster.secretFile else { return settings }
        var settings = settings
        do {
            if try make(path) { log.notice("the nodes' secret was made; other nodes on this machine find it there", ["file": path]) }
            settings.cluster.secret = try SecretFile.read(path)
        } catch {
            let why = (error as? SystemError).map { "\(path): \($0)" } ?? "\(error)"
            throw Problem(
                words: "there is no secret by which nodes know each other, which authentication \"accounts\" needs: \(why); "
                    + "name a file with one as cluster.secretFile, the same on every node")
        }
        return settings
    }

    /// False where it was there, or another node made it at the same time. Nobody sees half of it.
    private static func make(_ path: String) throws -> Bool {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw SystemError("mkdir") }
        let draft = "\(path).\(getpid())"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError("open") }
        defer { unlink(draft) }
        let text = Array("\(try Digests.randomHex(32))\n".utf8)
        let isWritten = write(descriptor, text, text.count) == text.count && fsync(descriptor) == 0
        let problem = SystemError("write")
        close(descriptor)
        guard isWritten else { throw problem }
        if link(draft, path) == 0 { return true }
        guard errno == EEXIST else { throw SystemError("link") }
        return false
    }
}
