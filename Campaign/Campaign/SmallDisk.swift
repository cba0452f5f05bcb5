import CampaignHarness
import Glibc

/// A small disk of its own, in memory, for one node's data.
final class SmallDisk {
    /// Room for a new database and what a long campaign writes; MariaDB wants 256 MiB free to make one.
    private static let bytes = 1 << 30

    /// What `mount` calls it: with the process that it belongs to.
    private static let prefix = "ddbcampaign-"

    private let path: String
    private var filling: String { path + "/filling" }

    /// Mounts it where the folder is. Fails where that is not allowed.
    init(at path: String) throws(Failure) {
        self.path = path
        guard geteuid() == 0 else { throw Failure("only root may mount a file system") }
        Self.removeAbandoned()
        guard mount("\(Self.prefix)\(getpid())", path, "tmpfs", UInt(MS_NOSUID | MS_NODEV), "size=\(Self.bytes),mode=0700") == 0 else {
            throw .ofCall("mount at \(path)")
        }
    }

    /// What a campaign left that was killed.
    private static func removeAbandoned() {
        for line in (Files.text("/proc/mounts") ?? "").split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 1, fields[0].hasPrefix(prefix), let pid = pid_t(fields[0].dropFirst(prefix.count)), kill(pid, 0) != 0 else {
                continue
            }
            umount(String(fields[1]))
        }
    }

    /// Takes all room that there is.
    func fill() throws(Failure) {
        let descriptor = open(filling, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .ofCall("open \(filling)") }
        defer { close(descriptor) }
        var offset: off_t = 0
        // In ever smaller pieces: others write meanwhile.
        for piece in [off_t(16 << 20), 1 << 20, 4096] {
            while posix_fallocate(descriptor, offset, piece) == 0, offset < Self.bytes { offset += piece }
        }
    }

    func free() { unlink(filling) }

    /// `keeping`: what is on it goes to a folder beside it, since it is in memory only.
    func remove(keeping: Bool, log: String) {
        if keeping {
            free()
            _ = try? Processes.run(["cp", "-a", path, path + "-kept"], log: log, within: 60_000)
        }
        // Processes that just died may hold it for a moment.
        for _ in 0..<100 where umount(path) != 0 { pause(milliseconds: 20) }
    }
}
