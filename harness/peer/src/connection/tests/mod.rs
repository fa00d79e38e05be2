mod hostile;
mod link;
mod session;
