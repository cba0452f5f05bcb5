import ClusterModel
import Testing

@Suite struct NodeAddressTests {
    @Test(arguments: ["127.0.0.1:7001", "db-1.example:65535", "[::1]:7001"])
    func `an address reads back as it was written`(text: String) {
        #expect(NodeAddress(text)?.description == text)
    }

    @Test(arguments: ["", ":7001", "host", "host:", "host:70000", "host:-1", "::1:7001", "ho st:1", "[]:1"])
    func `what is no address is refused`(text: String) {
        #expect(NodeAddress(text) == nil)
    }

    @Test func `loopback is told from the network`() {
        #expect(NodeAddress("127.8.0.1:1")?.isLoopback == true)
        #expect(NodeAddress("[::1]:1")?.isLoopback == true)
        #expect(NodeAddress("0.0.0.0:1")?.isLoopback == false)
    }
}
