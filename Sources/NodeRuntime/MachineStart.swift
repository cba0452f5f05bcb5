/// Which start of the machine this is.
enum MachineStart {
    /// Another after each boot of the machine; nil where the system does not tell.
    static var id: String? {
        guard let text = try? TextFile.read("/proc/sys/kernel/random/boot_id") else { return nil }
        return String(text.prefix { $0 != "\n" })
    }
}
