//! FaceNet.
