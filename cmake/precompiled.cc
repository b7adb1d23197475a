// Exists so that the precompiled headers have a target (cmake/precompiled.cmake).
