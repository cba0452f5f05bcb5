/// A place in a database's binlog: behind an event of one of its files.
package struct BinlogPlace: Equatable, Sendable {
    /// The file's name, without its folder.
    package let file: [UInt8]
    /// In bytes from the file's beginning.
    package let offset: UInt64

    package init(file: [UInt8], offset: UInt64) {
        self.file = file
        self.offset = offset
    }
}
