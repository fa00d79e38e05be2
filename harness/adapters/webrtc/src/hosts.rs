//! The runtime, with names of `x-hosts` before those of the system.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime,
};

#[derive(Debug)]
pub struct Hosts {
    pub under: Arc<dyn Runtime>,
    pub names: HashMap<String, Vec<IpAddr>>,
}

impl Runtime for Hosts {
    fn spawn(&self, f: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        self.under.spawn(f)
    }
    fn spawn_reactor(
        &self,
        n: usize,
        f: Pin<Box<dyn Future<Output = ()> + Send>>,
    ) -> Box<dyn JoinHandle> {
        self.under.spawn_reactor(n, f)
    }
    fn wrap_udp_socket(&self, s: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        self.under.wrap_udp_socket(s)
    }
    fn wrap_tcp_listener(&self, l: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        self.under.wrap_tcp_listener(l)
    }
    fn connect_tcp<'a>(
        &'a self,
        a: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        self.under.connect_tcp(a)
    }
    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        if let Some((name, port)) = host.rsplit_once(':')
            && let (Some(ips), Ok(port)) = (self.names.get(name), port.parse())
        {
            let found = ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect();
            return Box::pin(async move { Ok(found) });
        }
        self.under.resolve_host(host)
    }
    fn now(&self) -> Instant {
        self.under.now()
    }
    fn sleep(&self, d: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.under.sleep(d)
    }
    fn interval(&self, d: Duration) -> Box<dyn AsyncInterval> {
        self.under.interval(d)
    }
    fn block_on(&self, f: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.under.block_on(f)
    }
    fn yield_now(&self) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.under.yield_now()
    }
    fn name(&self) -> &'static str {
        self.under.name()
    }
}
